package fsx

import (
	"bytes"
	"maps"
	"slices"
)

// PowerFailure is the file system after power came back: every change that was not synced is
// lost, or survives where survives says so; nil loses all of them.
func (m *Mem) PowerFailure(survives func() bool) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	if survives == nil {
		survives = func() bool { return false }
	}
	after := failure{survives: survives, done: map[*node]*node{}}
	return &Mem{root: after.copy(m.root), locked: map[*node]bool{}}
}

type failure struct {
	survives func() bool
	done     map[*node]*node // hard links stay links
}

func (f failure) copy(n *node) *node {
	if got, ok := f.done[n]; ok && !n.dir {
		return got
	} else if ok {
		return nil // a folder has one parent
	}
	fresh := newDir()
	f.done[n] = fresh
	if !n.dir {
		data := n.safe
		if !bytes.Equal(n.safe, n.data) && f.survives() {
			data = n.data
		}
		*fresh = node{data: bytes.Clone(data), safe: bytes.Clone(data)}
		return fresh
	}
	for _, name := range unionOfNames(n) {
		child := n.kept[name]
		if child != n.names[name] && f.survives() {
			child = n.names[name]
		}
		if child == nil {
			continue
		}
		if c := f.copy(child); c != nil {
			fresh.names[name] = c
		}
	}
	fresh.kept = maps.Clone(fresh.names)
	return fresh
}

func unionOfNames(n *node) []string {
	all := maps.Clone(n.kept)
	maps.Copy(all, n.names)
	return slices.Sorted(maps.Keys(all))
}
