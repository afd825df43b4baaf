-- Where does the feeling of a call turn? change_points(id)
-- One row a segment; distance is that of its mean distilled vector from the segment's before.
CREATE OR REPLACE MACRO change_points(id) AS TABLE
WITH found AS (SELECT unnest(e2v_segments(id), recursive := true)),
scored AS (
    SELECT found.segment,
        avg(frames.angry) AS angry,
        avg(frames.disgusted) AS disgusted,
        avg(frames.fearful) AS fearful,
        avg(frames.happy) AS happy,
        avg(frames.neutral) AS neutral,
        avg(frames.other) AS other,
        avg(frames.sad) AS sad,
        avg(frames.surprised) AS surprised,
        avg(frames.unknown) AS unknown
    FROM found JOIN frames
        ON frames.utterance_id = id AND frames.frame_index BETWEEN found.first AND found.last
    GROUP BY found.segment
)
SELECT
    found.segment,
    round(found.first * 0.02::DOUBLE, 2) AS start_s,
    round((found.last + 1) * 0.02::DOUBLE, 2) AS end_s,
    found.distance,
    scored.* EXCLUDE (segment)
FROM found JOIN scored USING (segment)
ORDER BY found.segment;
