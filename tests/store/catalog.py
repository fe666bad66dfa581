"""What a schema holds, read from PostgreSQL's catalogue: comparable, whoever made it and however it is called."""

import re

import asyncpg

_QUESTIONS = {
    "columns": """
        SELECT c.relname, c.relkind::text, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity::text, a.attstorage::text, coalesce(col.collname, ''), pg_get_expr(d.adbin, d.adrelid)
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
          LEFT JOIN pg_collation col ON col.oid = a.attcollation
         WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p', 'S')
         ORDER BY 1, a.attnum""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
          FROM pg_constraint WHERE connamespace = to_regnamespace($1) AND contype <> 'n' AND conname <> 'sealed' ORDER BY 1, 2""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY 1, 2",
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(t.oid)
          FROM pg_trigger t JOIN pg_class c ON c.oid = tgrelid
         WHERE c.relnamespace = to_regnamespace($1) AND NOT tgisinternal ORDER BY 1, 2""",
    "functions": """
        SELECT proname, pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = to_regnamespace($1) ORDER BY 1""",
    "options": """
        SELECT relname, reloptions::text FROM pg_class
         WHERE relnamespace = to_regnamespace($1) AND reloptions IS NOT NULL ORDER BY 1""",
}


async def catalog(conn: asyncpg.Connection, schema: str) -> dict[str, list[str]]:
    """Everything of a schema but alembic's own table, with the schema's name blotted out."""
    found = {}
    for kind, question in _QUESTIONS.items():
        lines = ["\t".join(map(str, row)) for row in await conn.fetch(question, schema)]
        found[kind] = [
            re.sub(rf"[\"']*\b{schema}\b(?!\.(?:erasing|sealing|rows_chain)\b| %)[\"']*", "§", line)
            for line in lines
            if "alembic_version" not in line
        ]
    return found
