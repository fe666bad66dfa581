/*
 * How an EHR reads `access.receipts.v1`, in TypeScript.
 *
 *   node dist/receipts.js localhost:9092 FOLDER [LIMIT] [TOPIC]
 *
 * Each receipt becomes one file in FOLDER, named after its source and id, for the EHR to show and to file; what comes
 * again has the same name. Offsets are committed after the file is safe on the disk. Printed are the outcome, the order
 * and the codes, never a person.
 */
import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';

const [bootstrap, folder, limit = 'Infinity', topic = 'access.receipts.v1'] = process.argv.slice(2);
if (bootstrap === undefined || folder === undefined) throw new Error('BOOTSTRAP FOLDER [LIMIT] [TOPIC] are expected');
mkdirSync(folder, { recursive: true });

interface Receipt { outcome: string; order_id: string | null; answers_event: string; codes: string[] }

function take(message: KafkaMessage, into: string): string {
  const attribute = (name: string): string => message.headers?.[name]?.toString() ?? '';
  if (attribute('ce_type') !== 'se.sigill.receipt.v1' || message.value === null) throw new Error('no receipt');
  const receipt = JSON.parse(message.value.toString()) as Receipt; // fields not known here are ignored
  const line = [receipt.outcome, receipt.order_id ?? receipt.answers_event, ...receipt.codes].join(' ');
  const name = createHash('sha256').update(`${attribute('ce_source')}\n${attribute('ce_id')}`).digest('hex');
  const path = join(into, `${name}.json`);
  if (existsSync(path)) return `repeated ${line}`;
  const half = openSync(`${path}.part`, 'w');
  writeSync(half, message.value);
  fsyncSync(half);
  closeSync(half);
  renameSync(`${path}.part`, path);
  return line;
}

const kafka = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.NOTHING });
const consumer = kafka.consumer({ groupId: 'ehr-receipts' });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
let read = 0;
const done = new Promise<void>((leave) => {
  process.once('SIGTERM', leave);
  process.once('SIGINT', leave);
  void consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      console.log(take(message, folder));
      const offset = (BigInt(message.offset) + 1n).toString();
      await consumer.commitOffsets([{ topic, partition, offset }]);
      if (++read >= Number(limit)) leave();
    },
  });
});
await done;
await consumer.disconnect();
