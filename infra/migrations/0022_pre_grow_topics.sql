-- Runs before the code that needs it. How many partitions each group has seen of a topic, and, where there are more since:
-- which partition waits, from which of its offsets on, until which other one has been read how far. Work, not evidence.
SET LOCAL lock_timeout = '3s';
SET LOCAL statement_timeout = '30s';

CREATE TABLE topic_size (
  consumer_group text COLLATE "C" NOT NULL,
  topic          text COLLATE "C" NOT NULL,
  partitions     integer NOT NULL CHECK (partitions > 0),
  PRIMARY KEY (consumer_group, topic)
);

CREATE TABLE partition_wait (
  consumer_group text COLLATE "C" NOT NULL,
  topic          text COLLATE "C" NOT NULL,
  partition      integer NOT NULL, -- the one that waits
  from_offset    bigint NOT NULL,  -- its first record that waits
  behind         integer NOT NULL, -- the one that is read first
  until_offset   bigint NOT NULL,  -- its end when the growth was noticed
  noticed_at     timestamptz NOT NULL,
  PRIMARY KEY (consumer_group, topic, partition, behind)
);
