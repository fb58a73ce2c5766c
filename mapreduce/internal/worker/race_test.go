//go:build race

package worker

// raceEnabled tells that the tests run with the race detector.
const raceEnabled = true
