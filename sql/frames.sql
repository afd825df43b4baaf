-- One row a frame of 20 ms, vectors widened from the half precision in which they are kept.
CREATE OR REPLACE VIEW frames AS
SELECT
    utterance_id, frame_index, start_s, embedding, distilled, distance, emotion,
    angry, disgusted, fearful, happy, neutral, other, sad, surprised, unknown
FROM _frames;
