-- Runs before the code that needs it. What the register's and the transitions' login may read of orders: the form of those
-- that wait, which they judge anew, and no other form, motivation or signed bytes.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

-- An order that waits, for what, and its newest answer. That answer counts, and not the row of work alone: whoever would
-- read another order must write an answer first, which is history and is kept.
CREATE VIEW waiting_order WITH (security_barrier) AS
SELECT p.person_id AS waiting_person, p.codes, p.until, o.version, o.outcome,
       s.registration, s.order_id, s.proven, s.person_id, s.region, s.form, s.unit, s.urgent, s.source, s.event_id,
       s.content_type, s.digest, NULL::bytea AS original, s.payload, s.trust_report, s.received_at, s.topic, s.partition,
       s.record_offset, s.traceparent
  FROM pending_order p
  JOIN signed_order s USING (registration)
 CROSS JOIN LATERAL (SELECT o.version, o.outcome FROM order_outcome o WHERE o.registration = p.registration
                      ORDER BY o.version DESC LIMIT 1) AS o
 WHERE o.outcome = 'pending';

-- What later orders ask about an order: no form, signer or motivation.
CREATE VIEW order_reference AS
SELECT registration, order_id, proven, person_id, region, form, urgent, payload ->> 'channel' AS channel,
       payload ->> 'follows_up' AS follows_up
  FROM signed_order;
