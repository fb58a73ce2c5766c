#include "textflag.h"

// The lanes are in two registers of 8, low and high.

// SUM2 sums the 16 lanes of L and H by the tree of the package, into all lanes of X, which is the lower half of L. TX is for work.
#define SUM2(L, H, X, TX) \
	VADDPS       H, L, L       \
	VEXTRACTF128 $1, L, TX     \
	VADDPS       TX, X, X      \
	VPERMILPS    $0x4e, X, TX  \
	VADDPS       TX, X, X      \
	VPERMILPS    $0xb1, X, TX  \
	VADDPS       TX, X, X

// FACTOR makes of the dot product of row i, in X, what the row is multiplied with, in all lanes of Y. It works on X12 and X13.
#define FACTOR(i, X, Y) \
	VMOVSS       4*i(R10), X12 \
	VMOVSS       4*i(R11), X13 \
	VFMADD213SS  X13, X12, X   \
	VBROADCASTSS X, Y

// func dotAVX2(x, y *float32, blocks int) float32
TEXT ·dotAVX2(SB), NOSPLIT, $0-28
	MOVQ   x+0(FP), AX
	MOVQ   y+8(FP), BX
	MOVQ   blocks+16(FP), CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	TESTQ  CX, CX
	JZ     sum

block:
	VMOVUPS     (AX), Y2
	VMOVUPS     32(AX), Y3
	VFMADD231PS (BX), Y2, Y0
	VFMADD231PS 32(BX), Y3, Y1
	ADDQ        $64, AX
	ADDQ        $64, BX
	DECQ        CX
	JNZ         block

sum:
	SUM2(Y0, Y1, X0, X1)
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

// func axpyAVX2(a float32, x, y *float32, blocks int)
TEXT ·axpyAVX2(SB), NOSPLIT, $0-32
	VBROADCASTSS a+0(FP), Y0
	MOVQ         x+8(FP), AX
	MOVQ         y+16(FP), BX
	MOVQ         blocks+24(FP), CX
	TESTQ        CX, CX
	JZ           end

block:
	VMOVUPS     (BX), Y1
	VMOVUPS     32(BX), Y2
	VFMADD231PS (AX), Y0, Y1
	VFMADD231PS 32(AX), Y0, Y2
	VMOVUPS     Y1, (BX)
	VMOVUPS     Y2, 32(BX)
	ADDQ        $64, AX
	ADDQ        $64, BX
	DECQ        CX
	JNZ         block

end:
	VZEROUPPER
	RET

// func aypxAVX2(a float32, x, y *float32, blocks int)
TEXT ·aypxAVX2(SB), NOSPLIT, $0-32
	VBROADCASTSS a+0(FP), Y0
	MOVQ         x+8(FP), AX
	MOVQ         y+16(FP), BX
	MOVQ         blocks+24(FP), CX
	TESTQ        CX, CX
	JZ           end

block:
	VMOVUPS     (BX), Y1
	VMOVUPS     32(BX), Y2
	VFMADD213PS (AX), Y0, Y1
	VFMADD213PS 32(AX), Y0, Y2
	VMOVUPS     Y1, (BX)
	VMOVUPS     Y2, 32(BX)
	ADDQ        $64, AX
	ADDQ        $64, BX
	DECQ        CX
	JNZ         block

end:
	VZEROUPPER
	RET

// func combineAVX2(out, weights, rows *float32, n, blocks int)
//
// A panel is two blocks of columns, or the one that is left: the sums of its even and of its odd rows are in registers.
TEXT ·combineAVX2(SB), NOSPLIT, $0-40
	MOVQ out+0(FP), DI
	MOVQ weights+8(FP), DX
	MOVQ rows+16(FP), SI
	MOVQ n+24(FP), R9
	MOVQ blocks+32(FP), R10
	MOVQ R10, R8
	SHLQ $6, R8             // bytes of a row

panel2:
	CMPQ   R10, $2
	JLT    panel1
	MOVQ   DX, AX
	MOVQ   SI, BX
	MOVQ   R9, CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7

pair2:
	SUBQ         $2, CX
	JLT          odd2
	VBROADCASTSS (AX), Y8
	VBROADCASTSS 4(AX), Y9
	VFMADD231PS  (BX), Y8, Y0
	VFMADD231PS  32(BX), Y8, Y1
	VFMADD231PS  64(BX), Y8, Y2
	VFMADD231PS  96(BX), Y8, Y3
	ADDQ         R8, BX
	VFMADD231PS  (BX), Y9, Y4
	VFMADD231PS  32(BX), Y9, Y5
	VFMADD231PS  64(BX), Y9, Y6
	VFMADD231PS  96(BX), Y9, Y7
	ADDQ         R8, BX
	ADDQ         $8, AX
	JMP          pair2

odd2:
	ADDQ         $2, CX
	JZ           store2
	VBROADCASTSS (AX), Y8
	VFMADD231PS  (BX), Y8, Y0
	VFMADD231PS  32(BX), Y8, Y1
	VFMADD231PS  64(BX), Y8, Y2
	VFMADD231PS  96(BX), Y8, Y3

store2:
	VADDPS  Y4, Y0, Y0
	VADDPS  Y5, Y1, Y1
	VADDPS  Y6, Y2, Y2
	VADDPS  Y7, Y3, Y3
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, 64(DI)
	VMOVUPS Y3, 96(DI)
	ADDQ    $128, DI
	ADDQ    $128, SI
	SUBQ    $2, R10
	JMP     panel2

panel1:
	TESTQ  R10, R10
	JZ     end
	MOVQ   DX, AX
	MOVQ   SI, BX
	MOVQ   R9, CX
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5

pair1:
	SUBQ         $2, CX
	JLT          odd1
	VBROADCASTSS (AX), Y8
	VBROADCASTSS 4(AX), Y9
	VFMADD231PS  (BX), Y8, Y0
	VFMADD231PS  32(BX), Y8, Y1
	ADDQ         R8, BX
	VFMADD231PS  (BX), Y9, Y4
	VFMADD231PS  32(BX), Y9, Y5
	ADDQ         R8, BX
	ADDQ         $8, AX
	JMP          pair1

odd1:
	ADDQ         $2, CX
	JZ           store1
	VBROADCASTSS (AX), Y8
	VFMADD231PS  (BX), Y8, Y0
	VFMADD231PS  32(BX), Y8, Y1

store1:
	VADDPS  Y4, Y0, Y0
	VADDPS  Y5, Y1, Y1
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)

end:
	VZEROUPPER
	RET

// func dotAxpyAVX2(out, p *float32, rows **float32, weights, bias *float32, n, blocks int)
//
// Four rows are worked on together, and those that come after the next four are asked for.
TEXT ·dotAxpyAVX2(SB), NOSPLIT, $8-56
	MOVQ out+0(FP), DI
	MOVQ p+8(FP), DX
	MOVQ rows+16(FP), R13
	MOVQ weights+24(FP), R10
	MOVQ bias+32(FP), R11
	MOVQ n+40(FP), R12
	MOVQ blocks+48(FP), R9
	SHLQ $6, R9                 // bytes of a row
	LEAQ -32(R13)(R12*8), R8    // last four rows
	MOVQ R8, last-8(SP)

four:
	SUBQ    $4, R12
	JLT     rest
	MOVQ    (R13), AX
	MOVQ    8(R13), BX
	MOVQ    16(R13), CX
	MOVQ    24(R13), R8
	LEAQ    64(R13), SI
	CMPQ    SI, last-8(SP)
	CMOVQHI last-8(SP), SI
	MOVQ    (SI), R14
	MOVQ    8(SI), R15
	XORL    SI, SI
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7

dots:
	PREFETCHT0  (R14)(SI*1)
	PREFETCHT0  (R15)(SI*1)
	VMOVUPS     (DX)(SI*1), Y8
	VMOVUPS     32(DX)(SI*1), Y9
	VFMADD231PS (AX)(SI*1), Y8, Y0
	VFMADD231PS 32(AX)(SI*1), Y9, Y1
	VFMADD231PS (BX)(SI*1), Y8, Y2
	VFMADD231PS 32(BX)(SI*1), Y9, Y3
	VFMADD231PS (CX)(SI*1), Y8, Y4
	VFMADD231PS 32(CX)(SI*1), Y9, Y5
	VFMADD231PS (R8)(SI*1), Y8, Y6
	VFMADD231PS 32(R8)(SI*1), Y9, Y7
	ADDQ        $64, SI
	CMPQ        SI, R9
	JLT         dots
	SUM2(Y0, Y1, X0, X1)
	SUM2(Y2, Y3, X2, X3)
	SUM2(Y4, Y5, X4, X5)
	SUM2(Y6, Y7, X6, X7)
	FACTOR(0, X0, Y0)
	FACTOR(1, X2, Y2)
	FACTOR(2, X4, Y4)
	FACTOR(3, X6, Y6)
	LEAQ        64(R13), SI
	CMPQ        SI, last-8(SP)
	CMOVQHI     last-8(SP), SI
	MOVQ        16(SI), R14
	MOVQ        24(SI), R15
	XORL        SI, SI

axpys:
	PREFETCHT0  (R14)(SI*1)
	PREFETCHT0  (R15)(SI*1)
	VMOVUPS     (DI)(SI*1), Y8
	VMOVUPS     32(DI)(SI*1), Y9
	VFMADD231PS (AX)(SI*1), Y0, Y8
	VFMADD231PS 32(AX)(SI*1), Y0, Y9
	VFMADD231PS (BX)(SI*1), Y2, Y8
	VFMADD231PS 32(BX)(SI*1), Y2, Y9
	VFMADD231PS (CX)(SI*1), Y4, Y8
	VFMADD231PS 32(CX)(SI*1), Y4, Y9
	VFMADD231PS (R8)(SI*1), Y6, Y8
	VFMADD231PS 32(R8)(SI*1), Y6, Y9
	VMOVUPS     Y8, (DI)(SI*1)
	VMOVUPS     Y9, 32(DI)(SI*1)
	ADDQ        $64, SI
	CMPQ        SI, R9
	JLT         axpys
	ADDQ        $32, R13
	ADDQ        $16, R10
	ADDQ        $16, R11
	JMP         four

rest:
	ADDQ $4, R12

one:
	DECQ   R12
	JLT    end
	MOVQ   (R13), AX
	XORL   SI, SI
	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1

dot:
	VMOVUPS     (DX)(SI*1), Y8
	VMOVUPS     32(DX)(SI*1), Y9
	VFMADD231PS (AX)(SI*1), Y8, Y0
	VFMADD231PS 32(AX)(SI*1), Y9, Y1
	ADDQ        $64, SI
	CMPQ        SI, R9
	JLT         dot
	SUM2(Y0, Y1, X0, X1)
	FACTOR(0, X0, Y0)
	XORL        SI, SI

axpy:
	VMOVUPS     (DI)(SI*1), Y8
	VMOVUPS     32(DI)(SI*1), Y9
	VFMADD231PS (AX)(SI*1), Y0, Y8
	VFMADD231PS 32(AX)(SI*1), Y0, Y9
	VMOVUPS     Y8, (DI)(SI*1)
	VMOVUPS     Y9, 32(DI)(SI*1)
	ADDQ        $64, SI
	CMPQ        SI, R9
	JLT         axpy
	ADDQ        $8, R13
	ADDQ        $4, R10
	ADDQ        $4, R11
	JMP         one

end:
	VZEROUPPER
	RET

// LINE2 adds to line i of the tile the products of one number of the left row (from AX) and of 16 of the right one, in Y8 and Y9.
#define LINE2(i, factor, low, high) \
	VBROADCASTSS 4*i(AX), factor      \
	VFMADD231PS  factor, Y8, low      \
	VFMADD231PS  factor, Y9, high

// func tileAVX2(sums, left, right *float32, n, stride int)
//
// The tile is made in four parts of 4 lines.
TEXT ·tileAVX2(SB), NOSPLIT, $0-40
	MOVQ sums+0(FP), DI
	MOVQ left+8(FP), SI
	MOVQ right+16(FP), DX
	MOVQ n+24(FP), R10
	MOVQ stride+32(FP), R8
	SHLQ $2, R8              // bytes of a row
	LEAQ (R8)(R8*2), R9
	MOVQ $4, R11             // parts

part:
	MOVQ    SI, AX
	MOVQ    DX, BX
	MOVQ    R10, CX
	VMOVUPS (DI), Y0
	VMOVUPS 32(DI), Y1
	VMOVUPS (DI)(R8*1), Y2
	VMOVUPS 32(DI)(R8*1), Y3
	VMOVUPS (DI)(R8*2), Y4
	VMOVUPS 32(DI)(R8*2), Y5
	VMOVUPS (DI)(R9*1), Y6
	VMOVUPS 32(DI)(R9*1), Y7

row:
	VMOVUPS (BX), Y8
	VMOVUPS 32(BX), Y9
	LINE2(0, Y10, Y0, Y1)
	LINE2(1, Y11, Y2, Y3)
	LINE2(2, Y12, Y4, Y5)
	LINE2(3, Y13, Y6, Y7)
	ADDQ    R8, AX
	ADDQ    R8, BX
	DECQ    CX
	JNZ     row
	VMOVUPS Y0, (DI)
	VMOVUPS Y1, 32(DI)
	VMOVUPS Y2, (DI)(R8*1)
	VMOVUPS Y3, 32(DI)(R8*1)
	VMOVUPS Y4, (DI)(R8*2)
	VMOVUPS Y5, 32(DI)(R8*2)
	VMOVUPS Y6, (DI)(R9*1)
	VMOVUPS Y7, 32(DI)(R9*1)
	LEAQ    (DI)(R8*4), DI
	ADDQ    $16, SI
	DECQ    R11
	JNZ     part
	VZEROUPPER
	RET
