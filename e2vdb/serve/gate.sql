-- May a query that came over the wire run? Quack asks gate.main.permit about every one.
--
-- json_serialize_sql parses as DuckDB itself does and takes nothing but SELECT, so the answer rests
-- on what the query is, not on how it is spelled. The rest is by name: table functions that may be
-- called, functions that look beyond the tables, and table names that are paths.

CREATE OR REPLACE MACRO gate.main.readable() AS [
    'unnest', 'range', 'generate_series', 'repeat', 'repeat_row', 'json_each', 'json_tree',
    'histogram', 'histogram_values', 'pg_timezone_names', 'duckdb_columns',
    'duckdb_constraints', 'duckdb_functions', 'duckdb_indexes', 'duckdb_keywords',
    'duckdb_schemas', 'duckdb_tables', 'duckdb_types', 'duckdb_views', 'pragma_table_info',
    'pragma_version', 'show', 'show_tables', 'pragma_show'
];

CREATE OR REPLACE MACRO gate.main.reaching_out(name) AS
    name IN (
        'getenv', 'current_setting', 'getvariable', 'write_log', 'nextval', 'currval', 'setval',
        'setseed', 'sleep_ms', 'pg_sleep', 'query', 'query_table', 'json_execute_serialized_sql',
        'json_serialize_plan', 'json_serialize_sql', 'json_deserialize_sql'
    )
    OR regexp_matches(name, '^(quack_|read_|duckdb_secret|pragma_storage)');

CREATE OR REPLACE MACRO gate.main.elsewhere(name) AS
    regexp_matches(name, '[/\\:*?.]')
    OR name IN (
        'duckdb_databases', 'duckdb_logs', 'duckdb_settings', 'pragma_database_list', 'pg_settings'
    );

CREATE OR REPLACE MACRO gate.main.table_functions(parsed) AS
    list_filter(
        list_transform(
            json_extract_string(parsed, '$..function.function_name'), lambda name: lower(name)
        ),
        lambda name: NOT list_contains(gate.main.readable(), name)
                     AND NOT list_contains(gate.main.published(), name)
    );

CREATE OR REPLACE MACRO gate.main.functions(parsed) AS
    list_filter(
        list_transform(json_extract_string(parsed, '$..function_name'), lambda name: lower(name)),
        lambda name: gate.main.reaching_out(name)
    );

CREATE OR REPLACE MACRO gate.main.tables(parsed) AS
    list_filter(
        list_transform(
            list_concat(
                json_extract_string(parsed, '$..table_name'),
                json_extract_string(parsed, '$..schema_name'),
                json_extract_string(parsed, '$..catalog_name')
            ),
            lambda name: lower(name)
        ),
        lambda name: gate.main.elsewhere(name)
    );

-- Why not, as a sentence; NULL for a query that may run.
CREATE OR REPLACE MACRO gate.main.refusal(parsed) AS CASE
    WHEN parsed ->> '$.error_type' = 'parser' THEN parsed ->> '$.error_message'
    WHEN parsed ->> '$.error' IS DISTINCT FROM 'false'
        THEN 'This server only reads: send a SELECT.'
    WHEN json_array_length(parsed, '$.statements') IS DISTINCT FROM 1
        THEN 'This server takes one SELECT at a time.'
    WHEN len(gate.main.table_functions(parsed)) > 0
        THEN 'This server reads its published tables only, without '
             || array_to_string(gate.main.table_functions(parsed), ', ') || '().'
    WHEN len(gate.main.functions(parsed)) > 0
        THEN 'This server reads its published tables only, without '
             || array_to_string(gate.main.functions(parsed), ', ') || '().'
    WHEN len(gate.main.tables(parsed)) > 0
        THEN 'This server reads its published tables only, not '
             || array_to_string(gate.main.tables(parsed), ', ') || '.'
END;

-- Quack runs the text that is given back, and nothing for NULL. An INSERT is answered with NULL:
-- Quack asks about rows sent in bulk by an INSERT that it makes up and does not run.
CREATE OR REPLACE MACRO gate.main.permit(session, query) AS CASE
    WHEN query::VARCHAR IS NULL OR regexp_matches(query::VARCHAR, '(?i)^\s*INSERT\b') THEN NULL
    WHEN gate.main.refusal(json_serialize_sql(query::VARCHAR)) IS NULL THEN query::VARCHAR
    ELSE 'SELECT error('''
         || replace(gate.main.refusal(json_serialize_sql(query::VARCHAR)), '''', '''''') || ''')'
END;
