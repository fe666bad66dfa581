"""
The access store: the only room that speaks SQL.

One file a table family, batch in, batch out. History is only ever added to, and carries valid time and system time;
what may change (timers, outbox, offsets, tasks) is work, and proves nothing.
"""
