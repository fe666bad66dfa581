-- How the statements of a session are planned.

-- name: fresh_plans
-- Plans each statement of this transaction for its own conditions: one that is not asked for costs nothing.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);
