-- Runs before the code that gains by it. Bodies are stored as they are: packing them was a third of what the database
-- spent on an order, and an event's body is unpacked again for the relay a moment later. Those that stand already stay
-- as they are; a new event costs a few kilobytes more until it is cleared away, an order for good.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE outbox ALTER COLUMN payload SET STORAGE EXTERNAL;
ALTER TABLE order_outcome ALTER COLUMN receipt SET STORAGE EXTERNAL;
ALTER TABLE signed_order ALTER COLUMN original SET STORAGE EXTERNAL;
