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

// shape tells which tiles of a product's factors are zero and are passed over.
type shape int

const (
	full       shape = iota
	leftUpper        // the left factor is an upper triangle
	rightLower       // the right factor, before it is transposed, is a lower triangle
)

// add adds sign times a b' to c.
func (k Kernel) add(c, a, b block, sign float32, s shape) {
	for p := range c.rows {
		for q := range c.columns {
			k.addTile(c, a, b, sign, s, p, q)
		}
	}
}

// addLower adds to the tiles of c on and below the diagonal.
func (k Kernel) addLower(c, a, b block, sign float32, s shape) {
	for p := range c.rows {
		for q := range p + 1 {
			k.addTile(c, a, b, sign, s, p, q)
		}
	}
}

func (k Kernel) addTile(c, a, b block, sign float32, s shape, p, q int) {
	from, to := 0, a.columns
	switch s {
	case leftUpper:
		from = p
	case rightLower:
		to = q + 1
	case full:
	}
	k.update(c.tile(p, q), a.panel(p, from, to), b.panel(q, from, to), sign)
}
