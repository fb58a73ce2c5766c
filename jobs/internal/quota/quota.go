// Package quota keeps lists of the best items of which some classes may have only so many.
//
// The list is what one gets who walks the ranking of all items from the best one on, and takes those of whose class there are not yet as many as
// there may be, until there are enough. As an item counts in one class only, that is the best of what the best items of each class are together: a class
// counts no item behind as many better ones, and so the list can be kept up as items come, in any order.
package quota

import "math/bits"

// Quotas are the classes of items.
type Quotas struct {
	Of   []uint32 // by item, its class; that of 0 has no quota
	Most []int    // by class, items in a list, at least 1; the first is not read
}

// Offer offers a key of a class to a list of the highest keys: keys ascend, and begin as zeros; classes are theirs. The key is above the
// first one. It returns 0 if the key is taken. If not, as the class has as many as there may be and all are above, it returns the least of these: no lower key of the
// class can be taken from then on.
func Offer[K ~uint64](keys []K, classes []uint32, k K, class uint32, most int) (floor K) {
	at := 0 // what k takes the place of
	if class != 0 {
		if first, n := find(classes, class); n >= most {
			if k <= keys[first] {
				return keys[first]
			}
			at = first
		}
	}
	classes = classes[:len(keys)]
	for ; at+1 < len(keys) && keys[at+1] < k; at++ {
		keys[at], classes[at] = keys[at+1], classes[at+1]
	}
	keys[at], classes[at] = k, class
	return 0
}

// Floor is the least key of a class in a list if the class has as many as there may be, else 0.
func Floor[K ~uint64](keys []K, classes []uint32, class uint32, most int) K {
	if class == 0 {
		return 0
	}
	if at, n := find(classes, class); n >= most {
		return keys[at]
	}
	return 0
}

// find counts a class, and finds its first place. Of short lists it does so without a branch for each place.
func find(classes []uint32, class uint32) (first, n int) {
	if len(classes) > 64 {
		return findLong(classes, class)
	}
	places := uint64(0)
	for i := len(classes) - 1; i >= 0; i-- {
		is := uint64(0)
		if classes[i] == class {
			is = 1
		}
		places = places<<1 | is
	}
	return bits.TrailingZeros64(places), bits.OnesCount64(places)
}

func findLong(classes []uint32, class uint32) (first, n int) {
	for i := len(classes) - 1; i >= 0; i-- {
		if classes[i] == class {
			first = i
			n++
		}
	}
	return first, n
}
