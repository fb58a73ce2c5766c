// Package datasets has matrices of who had what, for tests and benchmarks: published datasets with what other implementations
// have made of them, and made-up ones.
//
// The published ones are no part of the project: they lie in ../shared/data/interactions beside it. Without them a test is
// skipped, which says what is missing.
package datasets
