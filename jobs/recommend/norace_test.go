//go:build !race

package recommend_test

// raceEnabled tells that the tests run with the race detector.
const raceEnabled = false
