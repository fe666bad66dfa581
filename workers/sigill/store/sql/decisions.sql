-- What a question about access looks up each time: whose the numbers are, and how much is written about whom.

-- name: look
-- In one snapshot: the persons of numbers ($1, $2) and of keys ($3), the stamp of each person in $4, and the regions of
-- the units in $5. History is only ever added to, so that the same counts are the same rows.
SELECT 'n' AS what, asked.place, found.person_id, 0::bigint AS versions, 0::bigint AS identities, 0::bigint AS merges,
       0::bigint AS measures, NULL::text AS region
  FROM unnest($1::text[], $2::smallint[]) WITH ORDINALITY AS asked (number, id_type, place)
 CROSS JOIN LATERAL (SELECT i.person_id FROM person_identity i
                      WHERE i.number = asked.number AND i.id_type = asked.id_type
                      ORDER BY i.remap DESC LIMIT 1) AS found
UNION ALL
SELECT 'k', asked.place, found.person_id, 0, 0, 0, 0, NULL
  FROM unnest($3::text[]) WITH ORDINALITY AS asked (key, place)
 CROSS JOIN LATERAL (SELECT i.person_id FROM person_identity i
                      WHERE i.key = asked.key ORDER BY i.remap DESC LIMIT 1) AS found
UNION ALL
SELECT 's', 0, asked.person_id,
       (SELECT count(*) FROM person_version v WHERE v.person_id = asked.person_id),
       (SELECT count(*) FROM person_identity i WHERE i.person_id = asked.person_id),
       (SELECT count(*) FROM person_merge g WHERE g.person_id = asked.person_id)
         + (SELECT count(*) FROM person_merge g WHERE g.into_id = asked.person_id)
         + (SELECT count(*) FROM person_separation s WHERE s.person_id = asked.person_id),
       (SELECT count(*) FROM measure m JOIN measure_version v ON v.measure_id = m.measure_id
         WHERE m.person_id = asked.person_id)
         + (SELECT count(*) FROM elsewhere_measure e WHERE e.person_id = asked.person_id)
         + (SELECT count(*) FROM person_separation s JOIN elsewhere_measure e ON e.person_id = s.person_id
             WHERE s.other_id = asked.person_id), NULL
  FROM unnest($4::bigint[]) AS asked (person_id)
UNION ALL
SELECT 'r', asked.place, 0, 0, 0, 0, 0, found.region
  FROM unnest($5::text[]) WITH ORDINALITY AS asked (unit, place)
 CROSS JOIN LATERAL (SELECT u.region FROM unit u WHERE u.unit = asked.unit ORDER BY u.unit_row DESC LIMIT 1) AS found;
