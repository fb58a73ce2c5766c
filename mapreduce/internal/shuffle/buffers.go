package shuffle

// Buffers is memory that a process keeps from one [Input] to the next, so that its
// pages are not faulted in again for each. The zero Buffers holds none. It serves
// one Input at a time, between [NewInput] and Close, and keeps no more than the
// budget of the last one, beside a block, stored and raw.
type Buffers struct {
	narrow  []narrow
	wide    []wide
	temp    batchTemp
	arena   []byte
	tops    topMemory
	segment Segment
}

// reader returns a Segment with the buffers of the last.
func (m *Buffers) reader() *Segment {
	if m == nil {
		return &Segment{}
	}
	return &m.segment
}

// lend gives what it has to a batch for that many records with that many framed
// bytes, if that fits the budget, and an eighth more room than needed: partitions
// differ a little in size.
func (m *Buffers) lend(b *batch, records, bytes, budget int64) {
	if m == nil {
		return
	}
	b.narrow, b.wide, b.temp, b.arena = m.narrow, m.wide, m.temp, m.arena
	if b.slim {
		b.wide, b.temp.wide = nil, nil
	} else {
		b.narrow, b.temp.narrow = nil, nil
	}
	if b.inline {
		b.arena = nil
	}
	*m = Buffers{segment: m.segment} // other memory would come on top
	if b.grown(records, bytes) > budget {
		b.narrow, b.wide, b.temp, b.arena = nil, nil, batchTemp{}, nil
	}
	if more := records + records/8; b.grown(records, bytes) > b.grown(0, 0) && b.grown(more, bytes+bytes/8) <= budget {
		b.resize(more, bytes+bytes/8)
	}
}

// grown returns the memory of a batch that is resized, in bytes.
func (b *batch) grown(records, bytes int64) int64 {
	n, held := int(records), int(b.shape.held(records, bytes))
	if b.slim {
		return 16*int64(max(n, cap(b.narrow))+max(n, cap(b.temp.narrow))) + int64(max(held, cap(b.arena)))
	}
	return 24*int64(max(n, cap(b.wide))+max(n, cap(b.temp.wide))) + int64(max(held, cap(b.arena)))
}

// release implements store.
func (b *batch) release(m *Buffers) {
	if m == nil {
		return
	}
	b.reset()
	m.narrow, m.wide, m.temp, m.arena = b.narrow, b.wide, b.temp, b.arena
	b.narrow, b.wide, b.temp, b.arena = nil, nil, batchTemp{}, nil
}

// lendTops gives tops what it has for them, if that fits their budget.
func (m *Buffers) lendTops(t *tops) {
	if m == nil {
		return
	}
	if m.tops.bytes() <= t.budget {
		t.topMemory = m.tops
	}
	*m = Buffers{segment: m.segment}
}

// release implements store.
func (t *tops) release(m *Buffers) {
	if m != nil && t.bytes() <= t.budget {
		m.tops = t.topMemory
	}
	t.topMemory = topMemory{}
}
