-- Runs before the code that needs it. The registration number (diarienummer) of an order that came as a record follows from the
-- order and from when the broker received it, so that one that is taken again after a restore has the number of its first
-- receipt. Null: registered before, or imported; its number is `SIGILL-` and the registration.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE signed_order ADD COLUMN registration_number text COLLATE "C";

-- The column is history like the others: the chain seals it from here on.
SELECT keep_history('signed_order', 'registration', '{original,payload}');

-- A waiting order is answered under its number.
CREATE OR REPLACE VIEW waiting_order WITH (security_barrier) AS
SELECT p.person_id AS waiting_person, p.codes, p.until, o.version, o.outcome,
       s.registration, s.order_id, s.proven, s.person_id, s.region, s.form, s.unit, s.urgent, s.source, s.event_id,
       s.content_type, s.digest, NULL::bytea AS original, s.payload, s.trust_report, s.received_at, s.topic, s.partition,
       s.record_offset, s.traceparent, s.registration_number
  FROM pending_order p
  JOIN signed_order s USING (registration)
 CROSS JOIN LATERAL (SELECT o.version, o.outcome FROM order_outcome o WHERE o.registration = p.registration
                      ORDER BY o.version DESC LIMIT 1) AS o
 WHERE o.outcome = 'pending';
