-- One row an output directory, with its vectors and the raw result.
CREATE OR REPLACE VIEW utterances AS
SELECT
    utterance_id, source_dir, recorded_at, recognized_at, emotion, emotion_raw, confidence,
    angry, disgusted, fearful, happy, neutral, other, sad, surprised, unknown,
    granularity, duration_s, sample_rate, n_frames, embedding, norm, distilled, warnings,
    result::JSON AS result, content_hash, ingested_at,
    quality, channel, audio_file, model
FROM _utterances;
