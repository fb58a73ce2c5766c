package dense

import "github.com/shardmill/shardmill/jobs/internal/fma"

// Kernel is an implementation of the inner loop. The zero Kernel is the best of Kernels.
type Kernel struct {
	name   string
	tile   tileFunc
	coarse *coarseKernel // finds what is to be scored, or nil
}

// String names the kernel: vnni, avx512, avx2 or go.
func (k Kernel) String() string { return k.orBest().name }

func (k Kernel) orBest() Kernel {
	if k.tile == nil {
		return Kernels()[0]
	}
	return k
}

// Kernels are those that this machine runs, the fastest first. The last one is in Go, and runs on all machines.
func Kernels() []Kernel {
	return append(assembly(), Kernel{"go", tileGo, nil})
}

// A tileFunc scores 12 users, [factor][user], and a panel of 32 items, [factor][item], and finds the candidates: the
// scores that are not below their user's threshold, of items that the user wants. It returns a bit for each user with
// candidates.
type tileFunc func(users, panel []float32, thresholds *[tileUsers]float32, wanted *[tileUsers]uint32, out *candidates) (found uint32)

// candidates are what a tileFunc finds.
type candidates struct {
	masks  [tileUsers]uint32             // a bit for each item that is a candidate
	_      [4]uint32                     // scores are 64 bytes from the start
	scores [tileUsers][tileItems]float32 // of users with candidates, all 32; undefined for others
}

// tileGo is the tileFunc for all machines.
func tileGo(users, panel []float32, thresholds *[tileUsers]float32, wanted *[tileUsers]uint32, out *candidates) (found uint32) {
	for u := range tileUsers {
		scores := &out.scores[u]
		for i := 0; i < tileItems; i += 8 {
			dots8(users[u:], panel[i:], (*[8]float32)(scores[i:]))
		}
		mask := uint32(0)
		for i, s := range scores {
			if s >= thresholds[u] {
				mask |= 1 << i
			}
		}
		if out.masks[u] = mask & wanted[u]; out.masks[u] != 0 {
			found |= 1 << u
		}
	}
	return found
}

// dots8 scores the first user of users, [factor][12], and the first 8 items of panel, [factor][32].
func dots8(users, panel []float32, scores *[8]float32) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for len(panel) >= 8 && len(users) > 0 {
		u, p := users[0], (*[8]float32)(panel)
		s0, s1, s2, s3 = fma.Float32(u, p[0], s0), fma.Float32(u, p[1], s1), fma.Float32(u, p[2], s2), fma.Float32(u, p[3], s3)
		s4, s5, s6, s7 = fma.Float32(u, p[4], s4), fma.Float32(u, p[5], s5), fma.Float32(u, p[6], s6), fma.Float32(u, p[7], s7)
		users, panel = users[min(tileUsers, len(users)):], panel[min(tileItems, len(panel)):]
	}
	*scores = [8]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}
