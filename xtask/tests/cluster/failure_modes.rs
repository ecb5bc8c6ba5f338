//! One test for each of the ways in which a migration to the Gateway API goes wrong.
