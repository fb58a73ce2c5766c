#include "textflag.h"

// quarters are the lanes that VPERMPS takes to spread four numbers over a register, four lanes each.
DATA quarters<>+0(SB)/4, $0
DATA quarters<>+4(SB)/4, $0
DATA quarters<>+8(SB)/4, $0
DATA quarters<>+12(SB)/4, $0
DATA quarters<>+16(SB)/4, $1
DATA quarters<>+20(SB)/4, $1
DATA quarters<>+24(SB)/4, $1
DATA quarters<>+28(SB)/4, $1
DATA quarters<>+32(SB)/4, $2
DATA quarters<>+36(SB)/4, $2
DATA quarters<>+40(SB)/4, $2
DATA quarters<>+44(SB)/4, $2
DATA quarters<>+48(SB)/4, $3
DATA quarters<>+52(SB)/4, $3
DATA quarters<>+56(SB)/4, $3
DATA quarters<>+60(SB)/4, $3
GLOBL quarters<>(SB), RODATA|NOPTR, $64

// SUM sums the 16 lanes of Z by the tree of the package, into all lanes of X. T is for work.
#define SUM(Z, Y, X, TY, TX) \
	VEXTRACTF64X4 $1, Z, TY     \
	VADDPS        TY, Y, Y      \
	VEXTRACTF128  $1, Y, TX     \
	VADDPS        TX, X, X      \
	VPERMILPS     $0x4e, X, TX  \
	VADDPS        TX, X, X      \
	VPERMILPS     $0xb1, X, TX  \
	VADDPS        TX, X, X

// func dotAVX512(x, y *float32, blocks int) float32
TEXT ·dotAVX512(SB), NOSPLIT, $0-28
	MOVQ   x+0(FP), AX
	MOVQ   y+8(FP), BX
	MOVQ   blocks+16(FP), CX
	VPXORQ Z0, Z0, Z0
	TESTQ  CX, CX
	JZ     sum

block:
	VMOVUPS     (AX), Z1
	VFMADD231PS (BX), Z1, Z0
	ADDQ        $64, AX
	ADDQ        $64, BX
	DECQ        CX
	JNZ         block

sum:
	SUM(Z0, Y0, X0, Y1, X1)
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	RET

// func axpyAVX512(a float32, x, y *float32, blocks int)
TEXT ·axpyAVX512(SB), NOSPLIT, $0-32
	VBROADCASTSS a+0(FP), Z0
	MOVQ         x+8(FP), AX
	MOVQ         y+16(FP), BX
	MOVQ         blocks+24(FP), CX
	TESTQ        CX, CX
	JZ           end

block:
	VMOVUPS     (BX), Z1
	VFMADD231PS (AX), Z0, Z1
	VMOVUPS     Z1, (BX)
	ADDQ        $64, AX
	ADDQ        $64, BX
	DECQ        CX
	JNZ         block

end:
	VZEROUPPER
	RET

// func aypxAVX512(a float32, x, y *float32, blocks int)
TEXT ·aypxAVX512(SB), NOSPLIT, $0-32
	VBROADCASTSS a+0(FP), Z0
	MOVQ         x+8(FP), AX
	MOVQ         y+16(FP), BX
	MOVQ         blocks+24(FP), CX
	TESTQ        CX, CX
	JZ           end

block:
	VMOVUPS     (BX), Z1
	VFMADD213PS (AX), Z0, Z1
	VMOVUPS     Z1, (BX)
	ADDQ        $64, AX
	ADDQ        $64, BX
	DECQ        CX
	JNZ         block

end:
	VZEROUPPER
	RET

// func combineAVX512(out, weights, rows *float32, n, blocks int)
//
// A panel is four blocks of columns, or the one that is left: the sums of its even and of its odd rows are in registers.
TEXT ·combineAVX512(SB), NOSPLIT, $0-40
	MOVQ out+0(FP), DI
	MOVQ weights+8(FP), DX
	MOVQ rows+16(FP), SI
	MOVQ n+24(FP), R9
	MOVQ blocks+32(FP), R10
	MOVQ R10, R8
	SHLQ $6, R8              // bytes of a row

panel4:
	CMPQ   R10, $4
	JLT    panel1
	MOVQ   DX, AX
	MOVQ   SI, BX
	MOVQ   R9, CX
	VPXORQ Z0, Z0, Z0
	VPXORQ Z1, Z1, Z1
	VPXORQ Z2, Z2, Z2
	VPXORQ Z3, Z3, Z3
	VPXORQ Z4, Z4, Z4
	VPXORQ Z5, Z5, Z5
	VPXORQ Z6, Z6, Z6
	VPXORQ Z7, Z7, Z7

pair4:
	SUBQ         $2, CX
	JLT          odd4
	VBROADCASTSS (AX), Z8
	VBROADCASTSS 4(AX), Z9
	VFMADD231PS  (BX), Z8, Z0
	VFMADD231PS  64(BX), Z8, Z1
	VFMADD231PS  128(BX), Z8, Z2
	VFMADD231PS  192(BX), Z8, Z3
	ADDQ         R8, BX
	VFMADD231PS  (BX), Z9, Z4
	VFMADD231PS  64(BX), Z9, Z5
	VFMADD231PS  128(BX), Z9, Z6
	VFMADD231PS  192(BX), Z9, Z7
	ADDQ         R8, BX
	ADDQ         $8, AX
	JMP          pair4

odd4:
	ADDQ         $2, CX
	JZ           store4
	VBROADCASTSS (AX), Z8
	VFMADD231PS  (BX), Z8, Z0
	VFMADD231PS  64(BX), Z8, Z1
	VFMADD231PS  128(BX), Z8, Z2
	VFMADD231PS  192(BX), Z8, Z3

store4:
	VADDPS  Z4, Z0, Z0
	VADDPS  Z5, Z1, Z1
	VADDPS  Z6, Z2, Z2
	VADDPS  Z7, Z3, Z3
	VMOVUPS Z0, (DI)
	VMOVUPS Z1, 64(DI)
	VMOVUPS Z2, 128(DI)
	VMOVUPS Z3, 192(DI)
	ADDQ    $256, DI
	ADDQ    $256, SI
	SUBQ    $4, R10
	JMP     panel4

panel1:
	TESTQ  R10, R10
	JZ     end
	MOVQ   DX, AX
	MOVQ   SI, BX
	MOVQ   R9, CX
	VPXORQ Z0, Z0, Z0
	VPXORQ Z4, Z4, Z4

pair1:
	SUBQ         $2, CX
	JLT          odd1
	VBROADCASTSS (AX), Z8
	VBROADCASTSS 4(AX), Z9
	VFMADD231PS  (BX), Z8, Z0
	VFMADD231PS  (BX)(R8*1), Z9, Z4
	LEAQ         (BX)(R8*2), BX
	ADDQ         $8, AX
	JMP          pair1

odd1:
	ADDQ         $2, CX
	JZ           store1
	VBROADCASTSS (AX), Z8
	VFMADD231PS  (BX), Z8, Z0

store1:
	VADDPS  Z4, Z0, Z0
	VMOVUPS Z0, (DI)
	ADDQ    $64, DI
	ADDQ    $64, SI
	DECQ    R10
	JMP     panel1

end:
	VZEROUPPER
	RET

// DOT4 sums in Z the products of p and of a row of four blocks, at R, which it loads into A to D.
#define DOT4(R, Z, A, B, C, D) \
	VPXORQ      Z, Z, Z     \
	VMOVUPS     (R), A      \
	VMOVUPS     64(R), B    \
	VMOVUPS     128(R), C   \
	VMOVUPS     192(R), D   \
	VFMADD231PS A, Z16, Z   \
	VFMADD231PS B, Z17, Z   \
	VFMADD231PS C, Z18, Z   \
	VFMADD231PS D, Z19, Z

// AXPY4 adds to out the row times Z.
#define AXPY4(Z, A, B, C, D) \
	VFMADD231PS A, Z, Z20 \
	VFMADD231PS B, Z, Z21 \
	VFMADD231PS C, Z, Z22 \
	VFMADD231PS D, Z, Z23

// AHEAD asks for a row of four blocks that is needed soon.
#define AHEAD(row) \
	MOVQ       row, R9   \
	PREFETCHT0 (R9)      \
	PREFETCHT0 64(R9)    \
	PREFETCHT0 128(R9)   \
	PREFETCHT0 192(R9)

// FACTORS makes of the lanes of four rows, A to D, what each row is multiplied with, in all lanes. The first two steps of
// the tree make one register with a quarter for each row. T and U are for work.
#define FACTORS(A, B, C, D, T, U, XT, XU) \
	VSHUFF64X2  $0x44, B, A, T \
	VSHUFF64X2  $0xee, B, A, U \
	VADDPS      U, T, A        \
	VSHUFF64X2  $0x44, D, C, T \
	VSHUFF64X2  $0xee, D, C, U \
	VADDPS      U, T, C        \
	VSHUFF64X2  $0x88, C, A, T \
	VSHUFF64X2  $0xdd, C, A, U \
	VADDPS      U, T, A        \
	VPERMILPS   $0x4e, A, B    \
	VADDPS      B, A, A        \
	VPERMILPS   $0xb1, A, B    \
	VADDPS      B, A, A        \
	VMOVUPS     (R10), XT      \
	VMOVUPS     (R11), XU      \
	VPERMPS     T, Z31, T      \
	VPERMPS     U, Z31, U      \
	VFMADD213PS U, T, A        \
	VSHUFF64X2  $0x55, A, A, B \
	VSHUFF64X2  $0xaa, A, A, C \
	VSHUFF64X2  $0xff, A, A, D \
	VSHUFF64X2  $0x00, A, A, A

// func dotAxpyAVX512(out, p *float32, rows **float32, weights, bias *float32, n, blocks int)
//
// Four rows are worked on together, and those that come after the next four are asked for. Rows of four blocks, 64
// numbers, stay in registers.
TEXT ·dotAxpyAVX512(SB), NOSPLIT, $8-56
	MOVQ    out+0(FP), DI
	MOVQ    p+8(FP), DX
	MOVQ    rows+16(FP), R13
	MOVQ    weights+24(FP), R10
	MOVQ    bias+32(FP), R11
	MOVQ    n+40(FP), R12
	MOVQ    blocks+48(FP), R9
	LEAQ    -32(R13)(R12*8), R8 // last four rows
	MOVQ    R8, last-8(SP)
	VMOVUPS quarters<>(SB), Z31
	CMPQ    R9, $4
	JNE     any
	VMOVUPS (DX), Z16
	VMOVUPS 64(DX), Z17
	VMOVUPS 128(DX), Z18
	VMOVUPS 192(DX), Z19
	VMOVUPS (DI), Z20
	VMOVUPS 64(DI), Z21
	VMOVUPS 128(DI), Z22
	VMOVUPS 192(DI), Z23

short:
	SUBQ    $4, R12
	JLT     shorts
	LEAQ    64(R13), SI
	CMPQ    SI, last-8(SP)
	CMOVQHI last-8(SP), SI
	AHEAD(0(SI))
	AHEAD(8(SI))
	AHEAD(16(SI))
	AHEAD(24(SI))
	MOVQ    (R13), AX
	MOVQ    8(R13), BX
	MOVQ    16(R13), CX
	MOVQ    24(R13), R8
	DOT4(AX, Z24, Z0, Z1, Z2, Z3)
	DOT4(BX, Z25, Z4, Z5, Z6, Z7)
	DOT4(CX, Z26, Z8, Z9, Z10, Z11)
	DOT4(R8, Z27, Z12, Z13, Z14, Z15)
	FACTORS(Z24, Z25, Z26, Z27, Z28, Z29, X28, X29)
	AXPY4(Z24, Z0, Z1, Z2, Z3)
	AXPY4(Z25, Z4, Z5, Z6, Z7)
	AXPY4(Z26, Z8, Z9, Z10, Z11)
	AXPY4(Z27, Z12, Z13, Z14, Z15)
	ADDQ    $32, R13
	ADDQ    $16, R10
	ADDQ    $16, R11
	JMP     short

shorts:
	VMOVUPS Z20, (DI)
	VMOVUPS Z21, 64(DI)
	VMOVUPS Z22, 128(DI)
	VMOVUPS Z23, 192(DI)
	MOVQ    $256, R9
	JMP     rest

any:
	SHLQ $6, R9 // bytes of a row

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
	VPXORQ  Z0, Z0, Z0
	VPXORQ  Z1, Z1, Z1
	VPXORQ  Z2, Z2, Z2
	VPXORQ  Z3, Z3, Z3

dots:
	PREFETCHT0  (R14)(SI*1)
	PREFETCHT0  (R15)(SI*1)
	VMOVUPS     (DX)(SI*1), Z4
	VFMADD231PS (AX)(SI*1), Z4, Z0
	VFMADD231PS (BX)(SI*1), Z4, Z1
	VFMADD231PS (CX)(SI*1), Z4, Z2
	VFMADD231PS (R8)(SI*1), Z4, Z3
	ADDQ        $64, SI
	CMPQ        SI, R9
	JLT         dots
	FACTORS(Z0, Z1, Z2, Z3, Z4, Z5, X4, X5)
	LEAQ        64(R13), SI
	CMPQ        SI, last-8(SP)
	CMOVQHI     last-8(SP), SI
	MOVQ        16(SI), R14
	MOVQ        24(SI), R15
	XORL        SI, SI

axpys:
	PREFETCHT0  (R14)(SI*1)
	PREFETCHT0  (R15)(SI*1)
	VMOVUPS     (DI)(SI*1), Z4
	VFMADD231PS (AX)(SI*1), Z0, Z4
	VFMADD231PS (BX)(SI*1), Z1, Z4
	VFMADD231PS (CX)(SI*1), Z2, Z4
	VFMADD231PS (R8)(SI*1), Z3, Z4
	VMOVUPS     Z4, (DI)(SI*1)
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
	VPXORQ Z0, Z0, Z0

dot:
	VMOVUPS     (DX)(SI*1), Z4
	VFMADD231PS (AX)(SI*1), Z4, Z0
	ADDQ        $64, SI
	CMPQ        SI, R9
	JLT         dot
	SUM(Z0, Y0, X0, Y1, X1)
	VMOVSS       (R10), X4
	VMOVSS       (R11), X5
	VFMADD213SS  X5, X4, X0
	VBROADCASTSS X0, Z0
	XORL         SI, SI

axpy:
	VMOVUPS     (DI)(SI*1), Z4
	VFMADD231PS (AX)(SI*1), Z0, Z4
	VMOVUPS     Z4, (DI)(SI*1)
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

// LINE adds to line i of the tile the products of one number of the left row (from AX) and of 16 of the right one, in Z16.
#define LINE(i, line) VFMADD231PS.BCST 4*i(AX), Z16, line

// func tileAVX512(sums, left, right *float32, n, stride int)
TEXT ·tileAVX512(SB), NOSPLIT, $0-40
	MOVQ    sums+0(FP), DI
	MOVQ    left+8(FP), AX
	MOVQ    right+16(FP), BX
	MOVQ    n+24(FP), CX
	MOVQ    stride+32(FP), R8
	SHLQ    $2, R8              // bytes of a row
	LEAQ    (R8)(R8*2), R9
	LEAQ    (DI)(R8*4), R10
	LEAQ    (R10)(R8*4), R11
	LEAQ    (R11)(R8*4), R12
	VMOVUPS (DI), Z0
	VMOVUPS (DI)(R8*1), Z1
	VMOVUPS (DI)(R8*2), Z2
	VMOVUPS (DI)(R9*1), Z3
	VMOVUPS (R10), Z4
	VMOVUPS (R10)(R8*1), Z5
	VMOVUPS (R10)(R8*2), Z6
	VMOVUPS (R10)(R9*1), Z7
	VMOVUPS (R11), Z8
	VMOVUPS (R11)(R8*1), Z9
	VMOVUPS (R11)(R8*2), Z10
	VMOVUPS (R11)(R9*1), Z11
	VMOVUPS (R12), Z12
	VMOVUPS (R12)(R8*1), Z13
	VMOVUPS (R12)(R8*2), Z14
	VMOVUPS (R12)(R9*1), Z15
	TESTQ   CX, CX
	JZ      store

row:
	VMOVUPS (BX), Z16
	LINE(0, Z0)
	LINE(1, Z1)
	LINE(2, Z2)
	LINE(3, Z3)
	LINE(4, Z4)
	LINE(5, Z5)
	LINE(6, Z6)
	LINE(7, Z7)
	LINE(8, Z8)
	LINE(9, Z9)
	LINE(10, Z10)
	LINE(11, Z11)
	LINE(12, Z12)
	LINE(13, Z13)
	LINE(14, Z14)
	LINE(15, Z15)
	ADDQ    R8, AX
	ADDQ    R8, BX
	DECQ    CX
	JNZ     row

store:
	VMOVUPS Z0, (DI)
	VMOVUPS Z1, (DI)(R8*1)
	VMOVUPS Z2, (DI)(R8*2)
	VMOVUPS Z3, (DI)(R9*1)
	VMOVUPS Z4, (R10)
	VMOVUPS Z5, (R10)(R8*1)
	VMOVUPS Z6, (R10)(R8*2)
	VMOVUPS Z7, (R10)(R9*1)
	VMOVUPS Z8, (R11)
	VMOVUPS Z9, (R11)(R8*1)
	VMOVUPS Z10, (R11)(R8*2)
	VMOVUPS Z11, (R11)(R9*1)
	VMOVUPS Z12, (R12)
	VMOVUPS Z13, (R12)(R8*1)
	VMOVUPS Z14, (R12)(R8*2)
	VMOVUPS Z15, (R12)(R9*1)
	VZEROUPPER
	RET
