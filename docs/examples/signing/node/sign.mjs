// Signs an order with Node 20 and jose. Arguments: key.pem (PKCS#8) chain.pem form.json out.jose
import { readFileSync, writeFileSync } from 'node:fs';
import { X509Certificate, createHash } from 'node:crypto';
import { CompactSign, importPKCS8 } from 'jose';

const [keyFile, chainFile, formFile, out] = process.argv.slice(2);
const pem = readFileSync(chainFile, 'utf8');
const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  .map((one) => new X509Certificate(one).raw); // the signer's own first, then its issuers'

const own = new X509Certificate(certificates[0]).publicKey;
const alg = own.asymmetricKeyType !== 'ec' ? 'PS256'
  : own.asymmetricKeyDetails.namedCurve === 'secp384r1' ? 'ES384' : 'ES256';

const order = await new CompactSign(readFileSync(formFile))
  .setProtectedHeader({
    alg,
    typ: 'sigill-order+jws', // may be left out
    iat: Math.floor(Date.now() / 1000),
    x5c: certificates.map((der) => der.toString('base64')),
    'x5t#S256': createHash('sha256').update(certificates[0]).digest('base64url'),
  })
  .sign(await importPKCS8(readFileSync(keyFile, 'utf8'), alg));
writeFileSync(out, order); // application/jose
