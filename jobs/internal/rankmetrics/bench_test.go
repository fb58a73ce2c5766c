package rankmetrics

import (
	"math/rand/v2"
	"testing"
)

// benchUsers is how many users are measured; items have 200 of them on average.
const benchUsers, benchItems = 10_000, 2000

func benchSums(b *testing.B) (Options, []user) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	rows := make([][]uint32, benchItems)
	for i := range rows {
		share := .4 / float64(i/20+1)
		for u := range benchUsers {
			if r.Float64() < share {
				rows[i] = append(rows[i], uint32(u))
			}
		}
	}
	var users []user
	for u := range benchUsers {
		v := user{number: uint32(u)}
		for range 20 {
			v.list = append(v.list, uint32(r.IntN(benchItems/2)))
		}
		for i := range 10 {
			v.relevant = append(v.relevant, uint32(200*i+r.IntN(200)))
		}
		users = append(users, v)
	}
	return training(rows, benchUsers, 5, 10, 20), users
}

// BenchmarkAdd adds one user with a list of 20.
func BenchmarkAdd(b *testing.B) {
	opts, users := benchSums(b)
	s := add(New(opts), users...)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		u := users[i%benchUsers]
		s.Add(u.number, u.list, u.relevant)
		i++
	}
}

// BenchmarkValues is with all intervals: with diversity, of 2,048 lists of 20, and without.
func BenchmarkValues(b *testing.B) {
	for _, c := range []struct {
		name   string
		change func(o *Options)
	}{
		{"diversity", func(*Options) {}},
		{"no-diversity", func(o *Options) { o.Row = nil }},
	} {
		b.Run(c.name, func(b *testing.B) {
			opts, users := benchSums(b)
			c.change(&opts)
			s := add(New(opts), users...)
			for b.Loop() {
				s.Values()
			}
		})
	}
}
