package recommend

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/interactions"
	"github.com/shardmill/shardmill/mapreduce"
)

// pairer sends interactions into the stream that makes the matrix by users. Those of a user that follow each other go
// together: many files are in the order of the users.
type pairer struct {
	users, items     side
	byUser           *rowStream
	left             *mapreduce.Stream[uint32, int64]
	halfLife         float64 // seconds, or 0
	newest           int64   // time at which an interaction is worth its value; later ones are too
	timed            bool    // times decide between interactions
	countInteraction bool    // each is worth 1, whatever its value
	bare             bool    // the user's row is sent even if it has no entry
	user             uint32
	test             bool  // the piece is of the test file
	piece            piece // of the user's row
	encoded          []byte
	kept             int64 // rows of the batch
}

// side is users or items.
type side struct {
	ids   *ids.IDs
	least int64 // interactions that one must have
	rule  string
	noun  string
	// unknown is the rule by which interactions of ids that are not in the dictionary, of a model, are dropped; "" if it has all.
	unknown string
}

// find returns the number of an id, or the rule by which its interactions are dropped.
func (s *side) find(id []byte) (n uint32, rule string, err error) {
	n, ok := s.ids.Find(id)
	if !ok && s.unknown != "" {
		return 0, s.unknown, nil
	}
	if !ok {
		return 0, "", fmt.Errorf("%s %q is not in the dictionary", s.noun, id)
	}
	if s.least > 1 && s.ids.Rows(int(n)) < s.least {
		return n, s.rule, nil
	}
	return n, "", nil
}

// keeps tells whether one has enough interactions.
func (s *side) keeps(i int) bool { return s.least <= 1 || s.ids.Rows(i) >= s.least }

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

// folds tells that items are those of a model: a user without any of them has a row as well.
func (p *pairer) folds() bool { return p.items.unknown != "" }

// check finds parameters that leave nothing, or want more than there is.
func (p *pairer) check(flag string, top int) error {
	for _, s := range []*side{&p.users, &p.items} {
		if s.kept() == 0 {
			return mapreduce.BadInput(fmt.Errorf("no %s has the %d interactions that --%s asks for: nothing is left", s.noun, s.least, s.rule))
		}
	}
	if n := p.items.kept(); top > n {
		items := fmt.Sprintf("%d items", n)
		if n == 1 {
			items = "1 item"
		}
		return mapreduce.BadInput(fmt.Errorf("--%s %d: the catalogue has only %s; use --%s %d or less, and another --out", flag, top, items, flag, n))
	}
	return nil
}

// Map implements mapreduce.Mapper.
func (p *pairer) Map(_ context.Context, batch []interactions.Row, out *mapreduce.Out) error {
	p.piece.reset() // of an attempt that failed
	p.kept, p.bare = 0, false
	for i := range batch {
		if out.Rejected(i) {
			continue
		}
		if err := p.row(i, &batch[i], out); err != nil {
			return err
		}
	}
	p.flush(out)
	if p.kept > 0 {
		p.left.Emit(out, noRow, 0, p.kept)
	}
	return nil
}

// noRow is the row of a batch that pairs made of several of its rows belong to.
const noRow = -1

// flush sends what there is of a user. No row that is in it is rejected any more.
func (p *pairer) flush(out *mapreduce.Out) {
	if len(p.piece.columns) > 0 || p.bare {
		p.piece.test = p.test
		p.encoded = p.piece.append(p.encoded[:0])
		p.byUser.Emit(out, noRow, p.user, p.encoded)
		p.piece.reset()
		p.bare = false
	}
}

// begin sends what there is of another user, or of the other kind of file.
func (p *pairer) begin(user uint32, test bool, out *mapreduce.Out) {
	if user != p.user || test != p.test {
		p.flush(out)
		p.user, p.test = user, test
	}
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
	if rule == "" && itemRule != "" {
		rule = itemRule
		if p.folds() {
			p.begin(user, r.Test, out)
			p.bare = true
		}
	}
	if rule != "" {
		out.Drop(i, rule)
		return nil
	}
	w := weight{value: r.Value}
	if p.timed {
		w.time = r.Time
	}
	if p.countInteraction {
		w.value = 1
	}
	if math.Abs(w.value) > math.MaxFloat32 {
		out.Reject(i, errTooLarge)
		return nil
	}
	if p.halfLife > 0 {
		w.value *= math.Exp2(float64(min(r.Time-p.newest, 0)) / p.halfLife)
	}
	p.begin(user, r.Test, out)
	p.piece.add(item, w)
	p.kept++
	return nil
}

// Close implements mapreduce.Mapper.
func (*pairer) Close() error { return nil }

// leftStream counts the interactions that are left, which must be some.
func leftStream(p Params) *mapreduce.Stream[uint32, int64] {
	return &mapreduce.Stream[uint32, int64]{
		Name: "left", Key: rowCodec{}, Value: mapreduce.Int64{}, Merge: func(into *int64, n int64) { *into += n }, Partitions: 1,
		Reduce: func(context.Context, *mapreduce.Env) (mapreduce.Reducer[uint32, int64], error) {
			return &leftReducer{params: p}, nil
		},
	}
}

// leftReducer sees to it that there is an interaction.
type leftReducer struct {
	params Params
	some   bool
}

// Reduce implements mapreduce.Reducer.
func (r *leftReducer) Reduce(context.Context, uint32, iter.Seq2[uint32, int64], *mapreduce.Out) error {
	r.some = true
	return nil
}

// Close implements mapreduce.Reducer.
func (r *leftReducer) Close() error {
	switch {
	case r.some:
		return nil
	case r.params.Model != "":
		return mapreduce.BadInput(fmt.Errorf("no interaction is left: --model %s knows no item of the input; is it of another catalogue?", r.params.Model))
	case r.params.MinUser <= 1 && r.params.MinItem <= 1:
		return mapreduce.BadInput(errNothing)
	}
	return mapreduce.BadInput(fmt.Errorf("no interaction is left: no row has both a user with the %d interactions that --%s asks for and an item with the %d of --%s",
		r.params.MinUser, ruleMinUser, r.params.MinItem, ruleMinItem))
}
