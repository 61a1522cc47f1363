-- What the library wrote in November 2026, with the tables of this migration. Three users signed up with the password
-- "window tractor ocean violin": Ann has confirmed her address, is logged in, remembered, and has asked for a new password; Bea has
-- done nothing more, and somebody has guessed at her password; Cyd is disabled. Somebody else is a guest with a cart.
-- Only when links and sessions expire was changed: in 2096.

INSERT INTO auth_users (id, email, password_hash, stamp, version, created, updated, confirmed, disabled) VALUES
	('06h109u1fdehe8ga9v3aek7b7s', 'ann@example.com', '$2a$10$IDQfQ9LDPgvBLOjlIZy/x.hw8zbrfyIV9JW78cMI/Njeaj96pNCme', 'ZuMAOF3_ReeEaTdqoeBO3Q', 2, 1795567370619181, 1795567370681125, 1795567370681124, NULL);

INSERT INTO auth_users (id, email, password_hash, stamp, version, created, updated, confirmed, disabled) VALUES
	('06h109u278rq4sr975pu0ubvh8', 'bea@example.com', '$2a$10$0WSYqjU3VCGmmayKhN37qe7ndbgjxAIGh2e1BGYDocGU5QfNRs2dS', '3n1_nFISD_ErCpHV_aZ4RA', 1, 1795567370810485, 1795567370810485, NULL, NULL);

INSERT INTO auth_users (id, email, password_hash, stamp, version, created, updated, confirmed, disabled) VALUES
	('06h109u2no9s2477ippjp4cafg', 'cyd@example.com', '$2a$10$Vr3a1akEDtTCHizWtTNeUODUBBACEMcKdw5l/SjsCh0kVnLB.FhdC', 'Bhpj-z9NmKlVMXeEckTBzw', 2, 1795567370942351, 1795567370942351, NULL, 1795567370945806);

INSERT INTO auth_credentials (kind, id, user_id, name, data, created, used, expires, version) VALUES
	('reset', 'STdIVWpYO4i9FXtxfixqeE9D2VBWvCLOwyUpfSPRDO8', '06h109u1fdehe8ga9v3aek7b7s', '', X'7d59534a49b96c30b9b90fd541e1583fa0501e542dbb2bc156c14eee2f8baf90', 1795567370947524, NULL, 4003087370947524, 1);

INSERT INTO auth_credentials (kind, id, user_id, name, data, created, used, expires, version) VALUES
	('confirm', 'mWf4ZkO_PhcKQ-fsAb0acYC2d1yOppczNzcYYb3qy74', '06h109u278rq4sr975pu0ubvh8', '', X'cfa9e7ca6d4a0cd60cea1302c255700742f5de67b55988c7a66eaf6cce11dce8', 1795567370812045, NULL, 4003087370812045, 1);

INSERT INTO auth_credentials (kind, id, user_id, name, data, created, used, expires, version) VALUES
	('throttle.account', 'b6jjOrhW6vcZbKfulYo5lsVYDdDbVt9CH0UoqAQibds', '', '', X'02e6e7f6b4e3c3b006e6e7f6b4e3c3b006', 1795567370820084, 1795567370820083, 4003087370820083, 1);

INSERT INTO auth_sessions (id, user_id, created, last_seen, expires, address, agent, data) VALUES
	('lJkQ4mfiXvl4BqhwD_Yj4dvVkKmN4JI-1WVrzHuCEz0', '06h109u1fdehe8ga9v3aek7b7s', 1795567370749701, 1795567370751057, 4003087370749701, '192.0.2.7', 'Zoë''s browser', X'01020773657373696f6e165a754d414f46335f52656545615464716f65424f33510103707764849ceeb4e3c3b0068a9ce88badb29c0e010463617274730661206c616d70');

INSERT INTO auth_sessions (id, user_id, created, last_seen, expires, address, agent, data) VALUES
	('HhLLL57OzxhMHuTfqwZP6_ezye5-SEtMBK0Bq8fko6g', '', 1795567370945254, 1795567370945254, 4003087370945229, '192.0.2.8', '', X'01000773657373696f6e00009a8b808cadb29c0e010463617274730661206c616d70');
