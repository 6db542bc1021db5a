CREATE OR REPLACE VIEW {analytics}.value_meanings AS
SELECT meaning.view_name, meaning.column_name, meaning.value, meaning.meaning
FROM {ctl}.value_meanings AS meaning;

COMMENT ON VIEW {analytics}.value_meanings IS 'What each value means, for every column that has one of few.';
COMMENT ON COLUMN {analytics}.value_meanings.view_name IS 'The view, without the schema.';
COMMENT ON COLUMN {analytics}.value_meanings.column_name IS 'The column.';
COMMENT ON COLUMN {analytics}.value_meanings.value IS 'The value.';
COMMENT ON COLUMN {analytics}.value_meanings.meaning IS 'What it means.';
