// What cloudevents (npm) writes for Kafka. Arguments: order.jose id source type subject time; JSON on standard output.
import { readFileSync } from 'node:fs';
import { CloudEvent, Kafka } from 'cloudevents';

const [file, id, source, type, subject, time] = process.argv.slice(2);
const data = readFileSync(file, 'utf8').trim();
const event = new CloudEvent({
  id, source, type, subject, time, datacontenttype: 'application/jose', partitionkey: subject, data,
});
const base64 = (value) => Buffer.from(String(value)).toString('base64');
const shown = (mode, message) => ({
  mode,
  key: message.key,
  headers: Object.entries(message.headers)
    .filter(([, value]) => value !== undefined) // kafkajs leaves them out
    .map(([name, value]) => [name, base64(value)]),
  value: base64(message.value),
});
console.log(JSON.stringify([shown('binary', Kafka.binary(event)), shown('structured', Kafka.structured(event))]));
