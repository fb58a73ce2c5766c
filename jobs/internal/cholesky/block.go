package cholesky

// blockTiles is the rows and the columns of a block, in tiles: two blocks stay in the second-level cache, and a panel in the first.
const (
	blockTiles = 8
	blockSide  = blockTiles * tileSide
	blockSize  = blockSide * blockSide
)

// A block is a grid of tiles, by rows: a row of tiles is a panel.
type block struct {
	numbers       []float32
	rows, columns int // in tiles
}

func (b block) tile(p, q int) *tile {
	return (*tile)(b.numbers[(p*b.columns+q)*tileSize:])
}

// panel is the tiles of row p from one column to another.
func (b block) panel(p, from, to int) []float32 {
	return b.numbers[(p*b.columns+from)*tileSize : (p*b.columns+to)*tileSize]
}

// transpose sets a tile to the transpose of another.
func transpose(to, from *tile) {
	for c := range tileSide {
		row := from[c*tileSide : (c+1)*tileSide]
		for r, x := range row {
			to[r*tileSide+c] = x
		}
	}
}

// factors are those of a product a b'.
type factors struct {
	a, b  block
	shape shape
}

// shape tells which tiles of factors are zero and are passed over.
type shape int

const (
	full       shape = iota
	leftUpper        // a is an upper triangle
	rightLower       // b is a lower triangle
)

// panels are those whose product is tile (p, q) of the product.
func (f *factors) panels(p, q int) (a, b []float32) {
	from, to := 0, f.a.columns
	switch f.shape {
	case leftUpper:
		from = p
	case rightLower:
		to = q + 1
	case full:
	}
	return f.a.panel(p, from, to), f.b.panel(q, from, to)
}

// part is what the t-th tile of a product fetches of the factors that come next. It is nil where they have no more.
func (f *factors) part(t int) *float32 {
	at := t * fetched
	for _, numbers := range [][]float32{f.a.numbers, f.b.numbers} {
		if at < len(numbers) {
			return &numbers[at]
		}
		at -= len(numbers)
	}
	return nil
}

// add adds sign times a product to c, or where the lower half is enough, to the tiles on and below the diagonal. Next are the factors that are needed
// thereafter.
func (k Kernel) add(c block, f factors, sign float32, lower bool, next factors) {
	t := 0
	for p := range c.rows {
		columns := c.columns
		if lower {
			columns = p + 1
		}
		for q := range columns {
			a, b := f.panels(p, q)
			ahead := next.part(t)
			if ahead == nil {
				ahead = &a[0]
			}
			k.update(c.tile(p, q), a, b, sign, ahead)
			t++
		}
	}
}
