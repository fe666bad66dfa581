-- Runs before the code that needs it. A measure against all guardians but some, where one has been let out of it: whoever
-- becomes a guardian later stays shut out. Code of before reads such a row as against all, which shows less.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

ALTER TABLE measure
  ADD COLUMN guardians_except bigint[], -- null: nobody; only where guardians is null
  ADD CONSTRAINT measure_guardians_except CHECK (guardians_except IS NULL OR guardians IS NULL) NOT VALID;

-- The column is history like the others: the chain seals it from here on.
SELECT keep_history('measure', 'measure_id');
