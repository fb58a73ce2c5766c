package recommend

import "github.com/shardmill/shardmill/jobs/internal/quota"

// classes are of items that are in the same group by each limit: a list has no more of them than the lowest of these limits lets in. That is all that
// a single limit says; several ask for less. A class that is too small to have too many is none. It is nil without limits.
func (r *ruling) classes() *quota.Quotas {
	if r == nil || r.groups == nil {
		return nil
	}
	r.counted.Do(func() { r.quotas = r.findClasses() })
	return r.quotas
}

func (r *ruling) findClasses() *quota.Quotas {
	n := len(r.most)
	q := &quota.Quotas{Of: make([]uint32, len(r.groups)/n), Most: []int{0}}
	sizes, numbers := []int{0}, map[[2]uint32]uint32{} // of a class by the limits before and a group
	for i := range q.Of {
		if r.allowed != nil && !r.allowed[i] {
			continue
		}
		class := uint32(0)
		for l, g := range r.groups[i*n : i*n+n] {
			if g == 0 {
				continue
			}
			next, known := numbers[[2]uint32{class, g}]
			if !known {
				next = uint32(len(q.Most))
				numbers[[2]uint32{class, g}] = next
				most := int(r.most[l])
				if class > 0 {
					most = min(most, q.Most[class])
				}
				q.Most, sizes = append(q.Most, most), append(sizes, 0)
			}
			class = next
		}
		q.Of[i] = class
		sizes[class]++
	}
	for i, class := range q.Of {
		if sizes[class] <= q.Most[class] {
			q.Of[i] = 0
		}
	}
	return q
}

// classesOf are the classes of some items; nil is all.
func classesOf(q *quota.Quotas, items []uint32) *quota.Quotas {
	if q == nil || items == nil {
		return q
	}
	some := &quota.Quotas{Of: make([]uint32, len(items)), Most: q.Most}
	for at, i := range items {
		some.Of[at] = q.Of[i]
	}
	return some
}
