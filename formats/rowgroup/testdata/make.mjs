// Makes the files *.parquet of this folder with DuckDB and polars; README.md says how to run it.
// Values are functions of the row's index i, which foreign_test.go repeats.
import { DuckDBInstance } from "@duckdb/node-api";
import pl from "nodejs-polars";

const out = process.argv[2] ?? ".";
const db = await (await DuckDBInstance.create(":memory:")).connect();
const rows = `SELECT
  i::BIGINT AS id,
  CASE WHEN i % 7 = 3 THEN NULL ELSE (i - 100)::TINYINT END AS tiny,
  (i * 20000000)::UINTEGER AS uint,
  (18446744073709551615 - i)::UBIGINT AS huge,
  (i / 4)::FLOAT AS real,
  CASE WHEN i % 5 = 1 THEN NULL ELSE i / 3 END AS ratio,
  i % 3 = 0 AS flag,
  CASE WHEN i % 7 = 3 THEN NULL ELSE 'größer ' || (i % 4) END AS name,
  'http://example.org/' || i AS url,
  DATE '1969-12-28' + i::INTEGER AS day,
  TIMESTAMP '1969-12-31 23:59:59.5' + INTERVAL (i * 250) MILLISECOND AS local,
  (TIMESTAMP '1969-12-31 23:59:59.5' + INTERVAL (i * 250) MILLISECOND)::TIMESTAMPTZ AS utc,
  TIME '23:59:00' + INTERVAL (i * 100) MILLISECOND AS clock,
  ((i - 100) / 8)::DECIMAL(9, 3) AS price,
  ((i - 100)::DECIMAL(38, 2) * 10000000000000000000000) AS worth,
  ('00000000-0000-4000-8000-' || lpad(i::VARCHAR, 12, '0'))::UUID AS uuid,
  (CASE WHEN i % 2 = 0 THEN 'even' ELSE 'odd' END)::ENUM('even', 'odd') AS parity,
  [i, i + 1] AS list,
  {'a': i} AS struct,
  NULL::INTEGER AS nothing
FROM range(200) t(i) ORDER BY i`;
await db.run("SET TimeZone = 'UTC'");
for (const [name, options] of Object.entries({
  "duckdb-v1-snappy": "CODEC 'snappy', PARQUET_VERSION V1",
  "duckdb-v2-zstd": "CODEC 'zstd', PARQUET_VERSION V2",
  "duckdb-v2-plain": "CODEC 'uncompressed', PARQUET_VERSION V2",
})) {
  await db.run(`COPY (${rows}) TO '${out}/${name}.parquet' (FORMAT parquet, ${options}, ROW_GROUP_SIZE 120)`);
}
await db.run(`COPY (SELECT i FROM range(9) t(i)) TO '${out}/duckdb-lz4.parquet' (FORMAT parquet, CODEC 'lz4_raw')`);

const index = [...Array(200).keys()];
const frame = pl.DataFrame({
  id: index,
  ratio: index.map((i) => (i % 5 === 1 ? null : i / 3)),
  flag: index.map((i) => i % 3 === 0),
  name: index.map((i) => (i % 7 === 3 ? null : "größer " + (i % 4))),
  url: index.map((i) => "http://example.org/" + i),
}).withColumns(
  pl.col("id").cast(pl.Int64),
  pl.col("name").cast(pl.Categorical).alias("category"),
  pl.col("id").cast(pl.Date).alias("day"),
);
for (const compression of ["zstd", "snappy"]) {
  frame.writeParquet(`${out}/polars-${compression}.parquet`, { compression });
}
