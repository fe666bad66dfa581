-- name: may_act_as
-- Whether this session's user may act as a role; false where there is no such role.
SELECT coalesce((SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = $1), false);
