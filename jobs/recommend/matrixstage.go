package recommend

import (
	"context"
	"fmt"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/mapreduce"
)

// pairer sends interactions into the streams that make the matrices.
type pairer struct {
	users, items     side
	byUser, byItem   *pairStream
	halfLife         float64 // seconds, or 0
	newest           int64
	countInteraction bool // each is worth 1, whatever its value
}

// side is users or items.
type side struct {
	ids   *ids.IDs
	least int64 // interactions that one must have
	rule  string
	noun  string
}

// find returns the number of an id, or the rule by which its interactions are dropped.
func (s *side) find(id []byte) (n uint32, rule string, err error) {
	n, ok := s.ids.Find(id)
	if !ok {
		return 0, "", fmt.Errorf("%s %q is not in the dictionary", s.noun, id)
	}
	if s.least > 1 && s.ids.Rows(int(n)) < s.least {
		return n, s.rule, nil
	}
	return n, "", nil
}

// kept counts those that have enough interactions.
func (s *side) kept() (n int) {
	if s.least <= 1 {
		return s.ids.Len()
	}
	for i := range s.ids.Len() {
		if s.ids.Rows(i) >= s.least {
			n++
		}
	}
	return n
}

// check finds parameters that leave nothing, or want more than there is.
func (p *pairer) check(top int) error {
	for _, s := range []*side{&p.users, &p.items} {
		if s.kept() == 0 {
			return mapreduce.BadInput(fmt.Errorf("no %s has the %d interactions that --%s asks for: nothing is left", s.noun, s.least, s.rule))
		}
	}
	if n := p.items.kept(); top > n {
		return mapreduce.BadInput(fmt.Errorf("--top %d: the catalogue has only %d items; use --top %d or less, and another --out", top, n, n))
	}
	return nil
}

// Map implements mapreduce.Mapper.
func (p *pairer) Map(_ context.Context, batch []interactions.Row, out *mapreduce.Out) error {
	for i := range batch {
		if out.Rejected(i) {
			continue
		}
		if err := p.row(i, &batch[i], out); err != nil {
			return err
		}
	}
	return nil
}

func (p *pairer) row(i int, r *interactions.Row, out *mapreduce.Out) error {
	user, rule, err := p.users.find(r.User)
	if err != nil {
		return err
	}
	item, itemRule, err := p.items.find(r.Item)
	if err != nil {
		return err
	}
	if rule == "" {
		rule = itemRule
	}
	if rule != "" {
		out.Drop(i, rule)
		return nil
	}
	w := weight{value: r.Value, time: r.Time}
	if p.countInteraction {
		w.value = 1
	}
	if math.Abs(w.value) > math.MaxFloat32 {
		out.Reject(i, errTooLarge)
		return nil
	}
	if p.halfLife > 0 {
		w.value *= math.Exp2(float64(r.Time-p.newest) / p.halfLife)
	}
	p.byUser.Emit(out, i, pair{user, item}, w)
	p.byItem.Emit(out, i, pair{item, user}, w)
	return nil
}

// Close implements mapreduce.Mapper.
func (*pairer) Close() error { return nil }
