-- Measures: an immutable part, and versions.

-- part: as_read
-- A measure in one of its versions, as `rows.measure` reads it; `end_before_release` is the end that what is released had before,
-- `released_at` when the release that gave it its end was known.
m.person_id, m.measure_id, m.kind, m.region, m.initiative, m.services, m.units, m.recorded_from,
       m.recorded_to, m.guardians, m.guardians_except, m.viewer, m.unit, m.beside, v.*,
       CASE WHEN v.released
            THEN (SELECT b.valid_to FROM measure_version b
                   WHERE b.measure_id = v.measure_id AND b.version < v.version AND NOT b.released
                   ORDER BY b.version DESC LIMIT 1) END AS end_before_release,
       CASE WHEN v.released
            THEN (SELECT min(r.known_from) FROM measure_version r
                   WHERE r.measure_id = v.measure_id AND r.version <= v.version
                     AND r.version > coalesce((SELECT max(b.version) FROM measure_version b
                                                WHERE b.measure_id = v.measure_id AND b.version < v.version
                                                  AND NOT (b.released AND b.valid_to = v.valid_to)), 0))
             END AS released_at

-- name: add_measures
-- The parts that never change.
INSERT INTO measure (measure_id, person_id, kind, region, initiative, services, units, recorded_from, recorded_to,
                     guardians, guardians_except, viewer, unit, beside, known_from)
SELECT measure_id, person_id, kind, region, initiative, string_to_array(services, ','), string_to_array(units, ','),
       recorded_from, recorded_to, string_to_array(guardians, ',')::bigint[],
       string_to_array(guardians_except, ',')::bigint[], viewer, unit, beside, $15
  FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::date[],
              $9::date[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::uuid[])
    AS new (measure_id, person_id, kind, region, initiative, services, units, recorded_from, recorded_to, guardians,
            guardians_except, viewer, unit, beside);

-- name: add_versions
-- Newer versions of measures whose scope is still the same; a changed scope adds no row. The measure is looked up by its
-- id alone: given its region and kind too, a plan may read all measures of that region and kind for each new one.
INSERT INTO measure_version (measure_id, version, known_from, valid_from, valid_to, ends_at_age, orders, provisional,
                             awaits_follow_up, released, urgent, reported_to_authority, inform_guardians,
                             inform_patient, inform_written, silences, review_on, rules, rulebook, copies,
                             copies_refused)
SELECT new.measure_id, new.version, $26, new.valid_from, new.valid_to, new.ends_at_age,
       string_to_array(new.orders, ',')::uuid[], new.provisional, new.awaits_follow_up, new.released, new.urgent,
       new.reported, new.inform_guardians, new.inform_patient, new.inform_written,
       string_to_array(new.silences, ','), new.review_on, string_to_array(new.rules, ','), new.rulebook,
       string_to_array(new.copies, ','), string_to_array(new.copies_refused, ',')
  FROM unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::timestamptz[], $5::smallint[], $6::text[],
              $7::boolean[], $8::boolean[], $9::boolean[], $10::boolean[], $11::boolean[], $12::boolean[],
              $13::boolean[], $14::boolean[], $15::text[], $16::date[], $17::text[], $18::text[], $19::text[],
              $20::text[], $21::text[], $22::text[], $23::date[], $24::date[], $25::text[], $27::text[], $28::text[])
    AS new (measure_id, version, valid_from, valid_to, ends_at_age, orders, provisional, awaits_follow_up, released,
            urgent, reported, inform_guardians, inform_patient, inform_written, silences, review_on, rules, rulebook,
            kind, region, services, units, recorded_from, recorded_to, unit, copies,
            copies_refused)
 CROSS JOIN LATERAL (SELECT * FROM measure WHERE measure_id = new.measure_id LIMIT 1) AS m
 WHERE (m.kind, m.region, m.services) = (new.kind, new.region, string_to_array(new.services, ','))
   AND m.units IS NOT DISTINCT FROM string_to_array(new.units, ',')
   AND m.recorded_from IS NOT DISTINCT FROM new.recorded_from
   AND m.recorded_to IS NOT DISTINCT FROM new.recorded_to
   AND m.unit IS NOT DISTINCT FROM new.unit
 ORDER BY new.measure_id, new.version;

-- name: of_patients
-- Every measure of the patients in its newest version, as known at $2 (null: now).
SELECT {as_read}
  FROM measure m
 CROSS JOIN LATERAL (SELECT * FROM measure_version v
                      WHERE v.measure_id = m.measure_id AND ($2::timestamptz IS NULL OR v.known_from <= $2)
                      ORDER BY v.version DESC LIMIT 1) AS v
 WHERE m.person_id = ANY ($1::bigint[])
 ORDER BY v.valid_from, m.known_from, m.measure_id;

-- name: needed_of_patients
-- The measures of the patients that an answer about access at $2 or later can depend on, in their newest version: not those
-- that are over then, unless they are of the kinds in $3 or name somebody.
SELECT {as_read}
  FROM measure m
 CROSS JOIN LATERAL (SELECT * FROM measure_version v WHERE v.measure_id = m.measure_id
                      ORDER BY v.version DESC LIMIT 1) AS v
 WHERE m.person_id = ANY ($1::bigint[])
   AND (v.valid_to IS NULL OR v.valid_to > $2::timestamptz OR v.valid_from > $2::timestamptz
        OR m.kind = ANY ($3::text[]) OR m.guardians IS NOT NULL OR m.guardians_except IS NOT NULL OR m.viewer IS NOT NULL)
 ORDER BY v.valid_from, m.known_from, m.measure_id;

-- name: by_ids
-- Measures in their newest version.
SELECT {as_read}
  FROM measure m
 CROSS JOIN LATERAL (SELECT * FROM measure_version v WHERE v.measure_id = m.measure_id
                      ORDER BY v.version DESC LIMIT 1) AS v
 WHERE m.measure_id = ANY ($1::uuid[])
 ORDER BY v.valid_from, m.known_from, m.measure_id;

-- name: history
-- Every version of the measures, with the moment from which the store knew it.
SELECT {as_read}
  FROM measure m
  JOIN measure_version v USING (measure_id)
 WHERE m.measure_id = ANY ($1::uuid[])
 ORDER BY v.known_from, v.measure_id, v.version;

-- name: leaving_out
-- The patients of measures against all guardians that leave the persons out.
SELECT DISTINCT m.person_id FROM measure m WHERE m.guardians_except IS NOT NULL AND m.guardians_except && $1::bigint[];

-- name: concerning
-- Measures of, or naming, whoever is known by the surrogates in $1.
SELECT m.measure_id, m.person_id, m.known_from, m.person_id = $2 OR m.viewer = $2 OR m.guardians @> ARRAY[$2] AS by_this
  FROM measure m
 WHERE m.person_id = ANY ($1::bigint[]) OR m.viewer = ANY ($1::bigint[]) OR m.guardians && $1::bigint[];
