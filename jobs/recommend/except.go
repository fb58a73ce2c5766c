package recommend

import (
	"slices"

	"github.com/shardmill/shardmill/jobs/internal/matrix"
)

// except finds what the lists of users shall not have: what they have, unless that may be listed, and what is blocked for them.
// Each scorer has its own. A nil one says: what they have.
type except struct {
	rules  *ruling
	merged []uint32 // of the users since begin
}

// newExcept is nil without rules of users.
func newExcept(r *ruling) *except {
	if r == nil || !r.includesSeen && r.blocked == nil {
		return nil
	}
	return &except{rules: r}
}

// begin lets go of what of has returned.
func (e *except) begin() {
	if e != nil {
		e.merged = e.merged[:0]
	}
}

// of lists the items, ascending, that the list of a user shall not have. It is valid until begin.
func (e *except) of(r *matrix.Row) []uint32 {
	if e == nil {
		return r.Columns
	}
	history, blocked := r.Columns, e.rules.blockedFor(r.Index)
	if e.rules.includesSeen {
		history = nil
	}
	switch {
	case len(blocked) == 0:
		return history
	case len(history) == 0:
		return blocked
	}
	from := len(e.merged)
	e.merged = append(append(e.merged, history...), blocked...)
	list := e.merged[from:]
	slices.Sort(list)
	list = slices.Compact(list)
	e.merged = e.merged[:from+len(list)]
	return list
}

// blockedFor lists the items that are blocked for a user.
func (r *ruling) blockedFor(user uint32) []uint32 {
	if r == nil || r.blocked == nil {
		return nil
	}
	list, _ := r.blocked.Row(int(user))
	return list
}
