"""A country made in the database itself: every fourth resident a child with two guardians, some with measures."""

from __future__ import annotations

import asyncpg

_STEPS = (
    # a number that cannot be anybody's: eleven digits and a letter
    """
    INSERT INTO person (person_id, known_from) OVERRIDING SYSTEM VALUE
    SELECT n, now() - interval '1 year' FROM generate_series(1, $1::bigint) AS n
    """,
    """
    INSERT INTO person_identity (person_id, known_from, id_type, number, key)
    SELECT n, now() - interval '1 year', 1, lpad(n::text, 11, '0') || 'T',
           'v1.' || left(translate(encode(sha256(n::text::bytea), 'base64'), '+/=', '-_'), 43)
      FROM generate_series(1, $1::bigint) AS n
    """,
    """
    INSERT INTO person_version (person_id, sequence, valid_from, known_from, birth_earliest, birth_latest, id_type,
                                protected, has_e_id, identity_uncertain, number, county)
    SELECT n, 1, now() - interval '10 years', now() - interval '1 year', born, born, 1, n % 1000 = 7, true, false,
           lpad(n::text, 11, '0') || 'T', (ARRAY['07', '14', '23', '01'])[1 + n % 4]
      FROM (SELECT n, CASE WHEN n % 4 = 0 THEN current_date - (30 + (n * 7919) % 6400)::int
                           ELSE current_date - (9000 + (n * 7919) % 20000)::int END AS born
              FROM generate_series(1, $1::bigint) AS n) AS people
    """,
    """
    INSERT INTO custody (child_id, sequence, guardian_id, ordinal)
    SELECT n, 1, n - 1 - side, side FROM generate_series(4, $1::bigint, 4) AS n, generate_series(0, 1) AS side
    """,
)
_MEASURES = (
    """
    INSERT INTO measure (measure_id, person_id, kind, region, initiative, services, guardians, known_from)
    SELECT lpad(to_hex(m), 32, '0')::uuid, 4 * (1 + (m * 104729) % ($1::bigint / 4)),
           (ARRAY['guardian_block', 'journal_seal', 'login_lock'])[1 + m % 3], 'kronoberg', 'care',
           ARRAY['journal', 'e_services'], NULL, now() - interval '1 month'
      FROM generate_series(1, $2::bigint) AS m
    """,
    """
    INSERT INTO measure_version (measure_id, version, known_from, valid_from, valid_to, orders, provisional,
                                 awaits_follow_up, released, urgent, reported_to_authority, inform_guardians,
                                 inform_patient, inform_written, rules, rulebook)
    SELECT measure_id, 1, known_from, known_from, known_from + interval '1 year', ARRAY[measure_id], false, false, false,
           false, false, true, true, false, ARRAY['KR-17'], 'kronoberg 2025-05-01'
      FROM measure
    """,
)


async def make_country(dsn: str, residents: int, measures: int) -> None:
    """Fill a migrated, empty database."""
    conn = await asyncpg.connect(dsn, server_settings={"search_path": "sigill", "synchronous_commit": "off"})
    try:
        for step in _STEPS:
            await conn.execute(step, residents)
        await conn.execute(_MEASURES[0], residents, measures)
        await conn.execute(_MEASURES[1])
        await conn.execute("VACUUM ANALYZE")
        await conn.execute("CHECKPOINT")  # what was loaded is on the disk before anybody measures
    finally:
        await conn.close()
