"""Apache Kafka for machines without Docker: the jars, their settings, and a broker of one node."""
