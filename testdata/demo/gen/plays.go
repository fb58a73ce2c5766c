package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// genres are the planted groups of plays.csv: each listener is a fan of one, and hears little else.
func genres() []string { return []string{"folk", "jazz", "metal", "techno"} }

const (
	fansOfGenre   = 30
	tracksOfGenre = 12
	strayTracks   = 2 // of the other genres, for each fan
)

// plays makes a table of how often listeners played tracks: user,item,plays. The name of each tells its genre. One row
// in forty says that a track was taken off the list: 0 plays, which do not count.
func plays() []byte {
	r := rand.New(rand.NewPCG(2026, 11))
	var b bytes.Buffer
	b.WriteString("user,item,plays\n")
	for fan := range fansOfGenre {
		for g, genre := range genres() {
			user := fmt.Sprintf("%s-fan-%02d", genre, fan+1)
			for _, track := range r.Perm(tracksOfGenre)[:5+r.IntN(3)] {
				fmt.Fprintf(&b, "%s,%s-track-%02d,%d\n", user, genre, track+1, played(r, 2, 30))
			}
			for range strayTracks {
				other := genres()[(g+1+r.IntN(len(genres())-1))%len(genres())]
				fmt.Fprintf(&b, "%s,%s-track-%02d,%d\n", user, other, 1+r.IntN(tracksOfGenre), played(r, 1, 3))
			}
		}
	}
	return b.Bytes()
}

// played draws a number of plays.
func played(r *rand.Rand, lo, hi int) int {
	if r.IntN(40) == 0 {
		return 0
	}
	return lo + r.IntN(hi-lo+1)
}
