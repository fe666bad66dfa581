/*
 * How an EHR publishes a signed order, in TypeScript.
 *
 *   node dist/publisher.js form=order.json cert=staff.crt key=staff.key chain=issuing-ca.crt \
 *        secret=patient-key.secret bootstrap=localhost:9092
 *
 * The form's bytes are signed as they are and sent as a CloudEvent in binary mode under the patient's pseudonymous key.
 * Certificates and key are PEM (the key PKCS#8); the secret is base64. After a failure send the same bytes again: they
 * are carried out once.
 */
import { createHash, createHmac, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { CompactSign, importPKCS8 } from 'jose';
import { Kafka, logLevel, Partitioners } from 'kafkajs';

const asked = new Map(process.argv.slice(2).map((word) => word.split(/=(.*)/s).slice(0, 2) as [string, string]));

function need(name: string): string {
  const value = asked.get(name);
  if (value === undefined) throw new Error(`${name}=… is missing`);
  return value;
}

/** The signer's own certificate first, then its issuers'. */
function certificates(...paths: string[]): X509Certificate[] {
  const pem = paths.map((path) => readFileSync(path, 'utf8')).join('\n');
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((one) => new X509Certificate(one));
}

function algorithm(own: X509Certificate): string {
  if (own.publicKey.asymmetricKeyType !== 'ec') return 'PS256';
  return own.publicKey.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'ES384' : 'ES256';
}

async function sign(form: Buffer, chain: X509Certificate[], keyPem: string, now: Date): Promise<string> {
  const own = chain[0];
  if (own === undefined) throw new Error('cert=… holds no certificate');
  const alg = algorithm(own);
  return new CompactSign(form)
    .setProtectedHeader({
      alg,
      typ: 'sigill-order+jws',
      iat: Math.floor(now.getTime() / 1000),
      x5c: chain.map((one) => one.raw.toString('base64')),
      'x5t#S256': createHash('sha256').update(own.raw).digest('base64url'),
    })
    .sign(await importPKCS8(keyPem, alg));
}

/** `v1.` and the unpadded base64url of HMAC-SHA-256 over the twelve digits. */
function patientKey(identity: string, secret: Buffer, version = 'v1'): string {
  return `${version}.${createHmac('sha256', secret).update(identity, 'ascii').digest('base64url')}`;
}

const now = new Date();
const form = readFileSync(need('form'));
const fields = JSON.parse(form.toString('utf8')) as { order_id: string; patient: { id: string } };
const chain = certificates(need('cert'), ...(asked.get('chain')?.split(',') ?? []));
const order = await sign(form, chain, readFileSync(need('key'), 'utf8'), now);
const key = patientKey(fields.patient.id, Buffer.from(readFileSync(need('secret'), 'utf8').trim(), 'base64'));

const kafka = new Kafka({ brokers: need('bootstrap').split(','), logLevel: logLevel.NOTHING });
// the default partitioner is murmur2, as Kafka's Java client has it
const producer = kafka.producer({
  idempotent: true,
  maxInFlightRequests: 1,
  createPartitioner: Partitioners.DefaultPartitioner,
});
await producer.connect();
try {
  const [placed] = await producer.send({
    topic: asked.get('topic') ?? 'ehr.orders.v1',
    acks: -1,
    messages: [
      {
        key,
        value: order,
        headers: {
          ce_specversion: '1.0',
          ce_id: fields.order_id, // id and subject must agree with what was signed
          ce_source: asked.get('source') ?? 'urn:example:ehr',
          ce_type: 'se.sigill.order.v1',
          ce_time: now.toISOString(),
          ce_subject: key,
          'content-type': 'application/jose',
        },
      },
    ],
  });
  console.error(`the order lies on ${placed?.topicName}, partition ${placed?.partition}, offset ${placed?.baseOffset}`);
} finally {
  await producer.disconnect();
}
