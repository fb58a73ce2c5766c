package recommend

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/shardmill/shardmill/jobs/internal/ids"
	"github.com/shardmill/shardmill/jobs/internal/matrix"
	"github.com/shardmill/shardmill/jobs/internal/quota"
	"github.com/shardmill/shardmill/mapreduce"
)

// ruling is what the scorers of a process know of the rules. Nil is no rule.
type ruling struct {
	allowed      []bool // by item, whether it may be listed; nil if all may
	includesSeen bool
	blocked      *matrix.Matrix // items by user, or nil
	asked        []bool         // by user, whether there is a list; nil for all
	others       *ids.IDs       // users who are not in the data; nil without any
	firstOther   uint32         // the number of the first of them
	rowless      []uint32       // who are asked for and have no row: the others, and users of the data all of whose rows were dropped; in the order of their ids
	places       []uint32       // for each of these, ascending, how many users of the data come before it
	carriers     []uint32       // and the user with whose row it is written: before that, or behind the last one

	groups  []uint32 // by item and limit 1 + its number in ruleSets.groups, or 0; nil without limits
	n       int      // numbers of groups
	most    []int32  // of each limit
	limited []string // texts of the limits
	counted sync.Once
	quotas  *quota.Quotas // see ruling.classes

	worst string // of the rules that pick items, the one that took most
	took  int    // items by it
}

// items tells which items may be listed; nil lets all.
func (r *ruling) items() []bool {
	if r == nil {
		return nil
	}
	return r.allowed
}

// rulingOf holds the ruling of a process.
type rulingOf struct {
	mu   sync.Mutex
	env  *mapreduce.Env // of the task that asked last: it asks several times
	name string         // of the files that it was made of
	r    *ruling
}

// rules are those of the parameters, nil without any.
func (j *recommendation) rules(env *mapreduce.Env, d names) (*ruling, error) {
	if !j.params.hasRules() {
		return nil, nil //nolint:nilnil // no rule is no error, and a nil *ruling knows what to do
	}
	of := j.ruling
	of.mu.Lock()
	defer of.mu.Unlock()
	if of.env == env {
		return of.r, nil
	}
	var name []any
	for _, port := range j.ruleSets.ports(&j.params) {
		files, err := env.Files(port)
		if err != nil {
			return nil, err
		}
		name = append(name, files)
	}
	if text := fmt.Sprint(name...); of.r == nil || of.name != text {
		r, err := j.readRules(env, d)
		if err != nil {
			return nil, err
		}
		of.r, of.name = r, text
	}
	of.env = env
	return of.r, nil
}

// readRules reads what a ruleMaker has written.
func (j *recommendation) readRules(env *mapreduce.Env, d names) (*ruling, error) {
	r, p := &ruling{includesSeen: j.params.Seen == includeSeen}, &j.params
	if p.Users != "" {
		if err := j.readUsers(env, d, r); err != nil {
			return nil, err
		}
	}
	if p.picks() {
		if err := j.readAllowed(env, d, r); err != nil {
			return nil, err
		}
	}
	if p.BlockPairs != "" {
		users := d.users.Len()
		if r.others != nil {
			users += r.others.Len()
		}
		var err error
		if r.blocked, err = j.library.matrix(env, j.ruleSets.blocked, users, d.items.Len()); err != nil {
			return nil, err
		}
	}
	return r, j.readLimits(env, d, r)
}

func (j *recommendation) readAllowed(env *mapreduce.Env, d names, r *ruling) error {
	var texts []string
	if j.params.Allow != "" {
		texts = append(texts, "--allow")
	}
	if j.params.Block != "" {
		texts = append(texts, "--block")
	}
	for _, c := range j.params.comparisons() {
		texts = append(texts, "--rule "+c.String())
	}
	m, err := j.library.matrix(env, j.ruleSets.allowed, 1+len(texts), math.MaxUint32)
	if err != nil {
		return err
	}
	r.allowed = make([]bool, d.items.Len())
	list, _ := m.Row(0)
	for _, i := range list {
		r.allowed[i] = true
	}
	for i, text := range texts {
		if took, _ := m.Row(1 + i); len(took) > 0 && took[0] > 0 && int(took[0]) >= r.took {
			r.worst, r.took = text, int(took[0])
		}
	}
	return nil
}

func (j *recommendation) readUsers(env *mapreduce.Env, d names, r *ruling) error {
	m, err := j.library.matrix(env, j.ruleSets.asked, 1, d.users.Len())
	if err != nil {
		return err
	}
	r.asked = make([]bool, d.users.Len())
	list, _ := m.Row(0)
	for _, u := range list {
		r.asked[u] = true
	}
	others, err := j.library.dictionary(env, j.ruleSets.others)
	if err != nil {
		return err
	}
	users, err := j.library.matrix(env, j.userItems, d.users.Len(), d.items.Len())
	if err != nil {
		return err
	}
	r.firstOther = uint32(d.users.Len())
	if others.Len() > 0 {
		r.others = others
	}
	r.findRowless(d.users, users, others)
	r.carriers = carriers(r.places, users)
	return nil
}

// findRowless finds those who are asked for and have no row.
func (r *ruling) findRowless(d *ids.IDs, users *matrix.Matrix, others *ids.IDs) {
	add := func(user uint32, place int) {
		r.rowless, r.places = append(r.rowless, user), append(r.places, uint32(place))
	}
	k := 0
	for u, asked := range r.asked {
		for ; k < others.Len() && compareIDs(d, u, others, k) > 0; k++ {
			add(r.firstOther+uint32(k), u)
		}
		if asked && !users.Written(u) {
			add(uint32(u), u)
		}
	}
	for ; k < others.Len(); k++ {
		add(r.firstOther+uint32(k), d.Len())
	}
}

// compareIDs compares ids of dictionaries that are both numeric, or both not.
func compareIDs(d *ids.IDs, i int, e *ids.IDs, k int) int {
	if d.Numeric() {
		return cmp.Compare(d.Int(i), e.Int(k))
	}
	return bytes.Compare(d.Text(i), e.Text(k))
}

// carriers finds for each place, which ascend, the first user from there on who has a row, or the last of all.
func carriers(places []uint32, users *matrix.Matrix) []uint32 {
	list, last := make([]uint32, 0, len(places)), 0
	for u := range users.Rows() {
		if !users.Written(u) {
			continue
		}
		last = u
		for len(list) < len(places) && int(places[len(list)]) <= u {
			list = append(list, uint32(u))
		}
	}
	for len(list) < len(places) {
		list = append(list, uint32(last))
	}
	return list
}

func (j *recommendation) readLimits(env *mapreduce.Env, d names, r *ruling) error {
	for _, l := range j.params.limits() {
		r.most = append(r.most, int32(l.Most))
		r.limited = append(r.limited, "--rule "+l.String())
	}
	if len(r.most) == 0 {
		return nil
	}
	m, err := j.library.matrix(env, j.ruleSets.groups, d.items.Len(), math.MaxUint32)
	if err != nil {
		return err
	}
	r.groups = make([]uint32, d.items.Len()*len(r.most))
	for i := range m.Rows() {
		groups, _ := m.Row(i)
		for _, g := range groups {
			r.groups[i*len(r.most)+int(g)%len(r.most)] = g + 1
			r.n = max(r.n, int(g)+1)
		}
	}
	return nil
}

// allNames are names with the users who are asked for, and are not in the data.
func (j *recommendation) allNames(env *mapreduce.Env) (names, error) {
	d, err := j.names(env)
	if err != nil || j.params.Users == "" {
		return d, err
	}
	others, err := j.library.dictionary(env, j.ruleSets.others)
	if err == nil && others.Len() > 0 {
		d.others = others
	}
	return d, err
}

// servingReads are what the rules read, behind what scorers read.
func (j *recommendation) servingReads(reads []mapreduce.Port) []mapreduce.Port {
	list := append([]mapreduce.Port{}, reads...)
	more := j.ruleSets.ports(&j.params)
	if j.params.Users != "" {
		more = append(more, j.userItems)
	}
	if j.params.MinHistory > 0 {
		more = append(more, j.popularityReads()...)
	}
	for _, p := range more {
		if !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	return list
}
