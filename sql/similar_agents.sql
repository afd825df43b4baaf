-- Which agents sound most like this one? Cosine of the agents' mean unit vectors.
CREATE OR REPLACE MACRO similar_agents(agent, k := 10) AS TABLE
SELECT hit.agent, hit.similarity, hit.calls
FROM (SELECT unnest(_e2v_agents(agent, k::INTEGER)) AS hit FROM _statement)
ORDER BY hit.similarity DESC, hit.agent;
