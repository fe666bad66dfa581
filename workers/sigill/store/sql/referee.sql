-- What the look at the database's clock asks beside.

-- name: lock_holders
-- The sessions that hold an advisory lock for which others have waited for more than $1 seconds.
SELECT holder.pid, holder.usename::text AS login, holder.application_name AS application,
       max(extract(epoch FROM clock_timestamp() - waits.waitstart))::float8 AS seconds, count(*)::int AS waiting
  FROM pg_locks waits
  JOIN pg_locks held ON held.granted AND held.pid <> waits.pid AND held.locktype = 'advisory'
   AND (held.database, held.classid, held.objid, held.objsubid)
     = (waits.database, waits.classid, waits.objid, waits.objsubid)
  JOIN pg_stat_activity holder ON holder.pid = held.pid
 WHERE waits.locktype = 'advisory' AND NOT waits.granted
   AND waits.waitstart < clock_timestamp() - make_interval(secs => $1)
 GROUP BY 1, 2, 3;
