-- Runs before the code that needs it. The regions and units that a login of the console is bound to.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE console_session
  ADD COLUMN bound_regions text[], -- null: to no region in particular
  ADD COLUMN bound_units text[]; -- HSA-ids; null: to no unit in particular
