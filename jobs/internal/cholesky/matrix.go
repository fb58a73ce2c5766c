package cholesky

import (
	"fmt"

	"github.com/shardmill/shardmill/jobs/internal/hugepages"
)

// maxSide bounds the rows of a Matrix, so that sizes do not overflow: its numbers would take 8 TiB.
const maxSide = 1 << 21

// Matrix is a symmetric matrix, of which the lower half is kept in blocks. The upper half is its mirror.
type Matrix struct {
	n       int
	tiles   int       // in a column
	numbers []float32 // blocks (0, 0), (1, 0), (1, 1), (2, 0), ...
}

// New makes a matrix of n rows, all 0. It takes Bytes(n) of memory.
func New(n int) (*Matrix, error) {
	return NewIn(n, func(n int) ([]float32, error) { return hugepages.Make[float32](n), nil })
}

// NewIn is New in memory that zeros returns: so many numbers, all 0. They are read and written block by block, so that they can be those of a file.
func NewIn(n int, zeros func(n int) ([]float32, error)) (*Matrix, error) {
	if n < 0 || n > maxSide {
		return nil, fmt.Errorf("a symmetric matrix of %d rows: at most %d", n, maxSide)
	}
	m := &Matrix{n: n, tiles: tilesOf(n)}
	numbers, err := zeros(int(numbersOf(m.tiles)))
	if err != nil {
		return nil, err
	}
	m.numbers = numbers
	return m, nil
}

func tilesOf(n int) int { return (n + tileSide - 1) / tileSide }

// numbersOf is how many numbers are kept of a matrix of so many tiles.
func numbersOf(tiles int) int64 {
	whole, rest := int64(tiles/blockTiles), int64(tiles%blockTiles)
	return whole*(whole+1)/2*blockSize + rest*(whole*blockTiles+rest)*tileSize
}

// Bytes is the memory of a matrix of n rows: 2 bytes for each number of a square, and for up to 256 rows of it 4.
func Bytes(n int) int64 { return 4 * numbersOf(tilesOf(n)) }

// InvertBytes is the memory of a matrix of n rows while so many goroutines invert it.
func InvertBytes(n, workers int) int64 {
	return Bytes(n) + 4*(blockSide+1)*int64(tilesOf(n))*tileSide + 4*blockSize*int64(max(1, workers))
}

// Rows is the number of rows.
func (m *Matrix) Rows() int { return m.n }

// blocks is the number of rows of blocks.
func (m *Matrix) blocks() int { return (m.tiles + blockTiles - 1) / blockTiles }

// side is the rows of the blocks of row i, in tiles: the last one may have less than the others.
func (m *Matrix) side(i int) int { return min(blockTiles, m.tiles-i*blockTiles) }

// block is the block in row i and column j, j <= i.
func (m *Matrix) block(i, j int) block {
	rows, columns := m.side(i), m.side(j)
	at := i*(i+1)/2*blockSize + j*blockTiles*rows*tileSize
	return block{m.numbers[at : at+rows*columns*tileSize], rows, columns}
}

// mirror is the place of block (i, j) for what belongs to the upper half: block (j, i).
func (m *Matrix) mirror(i, j int) block {
	b := m.block(i, j)
	b.rows, b.columns = b.columns, b.rows
	return b
}

// tile is the tile in row p and column q, q <= p.
func (m *Matrix) tile(p, q int) *tile {
	return m.block(p/blockTiles, q/blockTiles).tile(p%blockTiles, q%blockTiles)
}

// SetRow sets the numbers of row i up to the diagonal: as many as i+1. Goroutines can set different rows at the same time.
func (m *Matrix) SetRow(i int, numbers []float64) error {
	if i < 0 || i >= m.n || len(numbers) != i+1 {
		return fmt.Errorf("row %d with %d numbers up to the diagonal, of a matrix of %d rows", i, len(numbers), m.n)
	}
	for q := 0; len(numbers) > 0; q++ {
		t := m.tile(i/tileSide, q)
		for c, x := range numbers[:min(tileSide, len(numbers))] {
			t[c*tileSide+i%tileSide] = float32(x)
		}
		numbers = numbers[min(tileSide, len(numbers)):]
	}
	return nil
}

// At is the number in row i and column j. It is for few numbers: Panel is faster.
func (m *Matrix) At(i, j int) float32 {
	i, j = max(i, j), min(i, j)
	return m.tile(i/tileSide, j/tileSide)[j%tileSide*tileSide+i%tileSide]
}

// Panels is the number of panels of 32 rows.
func (m *Matrix) Panels() int { return m.tiles }

// PanelRows is the rows of a panel.
const PanelRows = tileSide

// Panel writes rows 32p to 32p+31 to dst, of length 32 n: [column][row]. Rows behind the last one are 0: nobody sets
// them, and Invert leaves zeros beside ones that are behind the last column.
func (m *Matrix) Panel(p int, dst []float32) {
	var mirrored tile
	for q := range m.tiles {
		from := &mirrored
		switch {
		case q < p:
			from = m.tile(p, q)
		case q > p:
			transpose(&mirrored, m.tile(q, p))
		default:
			m.mirrorTile(&mirrored, p)
		}
		copy(dst[min(len(dst), q*tileSize):], from[:])
	}
}

// mirrorTile sets a tile to the one in row and column p, whose part above the diagonal may be anything.
func (m *Matrix) mirrorTile(to *tile, p int) {
	from := m.tile(p, p)
	for c := range tileSide {
		for r := c; r < tileSide; r++ {
			to[c*tileSide+r] = from[c*tileSide+r]
			to[r*tileSide+c] = from[c*tileSide+r]
		}
	}
}
