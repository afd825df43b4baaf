-- The Chinese name of a canonical emotion: emotion_zh('angry') is 生气.
CREATE OR REPLACE MACRO emotion_zh(emotion) AS
    CASE emotion
        WHEN 'angry' THEN '生气'
        WHEN 'disgusted' THEN '厌恶'
        WHEN 'fearful' THEN '恐惧'
        WHEN 'happy' THEN '开心'
        WHEN 'neutral' THEN '中立'
        WHEN 'other' THEN '其他'
        WHEN 'sad' THEN '难过'
        WHEN 'surprised' THEN '吃惊'
        WHEN 'unknown' THEN '未知'
    END;
