"""
What the tests build their worlds of, one module a side of Sigill.

`senders`: people, staff and units outside, and their messages; `worker_harness`: the workers with those messages handed over, on
a real database; `live_topics`: the whole program over a real broker; `console`: the console over such a world;
`decision_api`: the API over a store that is written directly; `rows`: rows of the store; `values`: facts and orders as plain
values; `signed_forms`: an authority and its evidence; `testland`, `solbygden`: made-up regions; `services`: the servers.
"""
