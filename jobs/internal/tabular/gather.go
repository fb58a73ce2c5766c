package tabular

// gatherBytes is how many bytes of texts end a block of rows that are read one by one.
const gatherBytes = 64 << 10

// gathered makes blocks of rows that are read one by one: it copies their cells.
type gathered struct {
	records
	rec   Record
	lines []int64
	cells []Cell // of one row after the other
	texts []byte // of cells
	err   error  // behind the last row
}

// asBlocks reads in blocks whatever reads rows.
func asBlocks(in records) blocks {
	if many, ok := in.(blocks); ok {
		return many
	}
	return &gathered{records: in}
}

func (g *gathered) readBlock(b *Block) error {
	g.lines, g.cells, g.texts = g.lines[:0], g.cells[:0], g.texts[:0]
	if cap(g.texts) > 2*gatherBytes {
		g.texts = nil
	}
	err := g.err
	for g.err = nil; err == nil && len(g.lines) < BlockRows && len(g.texts) < gatherBytes; {
		if err = g.read(&g.rec); err == nil {
			g.add()
		}
	}
	b.setCells(g.lines, g.cells)
	if len(g.lines) == 0 {
		return err
	}
	g.err = err // which the next call reports
	return nil
}

// add copies a row. Where texts move, cells keep what they had.
func (g *gathered) add() {
	g.lines = append(g.lines, g.rec.Line)
	at := len(g.cells)
	g.cells = append(g.cells, g.rec.Cells...)
	for i := range g.cells[at:] {
		if c := &g.cells[at+i]; c.Kind == Text {
			from := len(g.texts)
			g.texts = append(g.texts, c.Text...)
			c.Text = g.texts[from:len(g.texts):len(g.texts)]
		}
	}
}
