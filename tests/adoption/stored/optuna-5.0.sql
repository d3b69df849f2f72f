BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'ladder');
INSERT INTO "studies" VALUES(2,'two goals');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
INSERT INTO "study_directions" VALUES(2,'MAXIMIZE',2,0);
INSERT INTO "study_directions" VALUES(3,'MINIMIZE',2,1);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_system_attributes" VALUES(1,2,'study:metric_names','["accuracy", "validation_loss"]');
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_user_attributes" VALUES(1,1,'owner','"lab"');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,0,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,1,0.6,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,2,0.7,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,2,0,0.51,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,1,0.61,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,2,0.71,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,3,0,0.52,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,3,1,0.62,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,3,2,0.72,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,4,0,0.53,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,4,1,0.63,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,4,2,0.73,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,5,0,0.54,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,5,1,0.64,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,5,2,0.74,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'learning_rate',2.0e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.001, "log": true}}');
INSERT INTO "trial_params" VALUES(2,1,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 16]}}');
INSERT INTO "trial_params" VALUES(3,1,'num_train_epochs',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(4,1,'optimizer',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adamw", "sgd"]}}');
INSERT INTO "trial_params" VALUES(5,2,'learning_rate',1.25206538149994585145e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.001, "log": true}}');
INSERT INTO "trial_params" VALUES(6,2,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 16]}}');
INSERT INTO "trial_params" VALUES(7,2,'num_train_epochs',3.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(8,2,'optimizer',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adamw", "sgd"]}}');
INSERT INTO "trial_params" VALUES(9,3,'learning_rate',7.50195444362012e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.001, "log": true}}');
INSERT INTO "trial_params" VALUES(10,3,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 16]}}');
INSERT INTO "trial_params" VALUES(11,3,'num_train_epochs',2.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(12,3,'optimizer',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adamw", "sgd"]}}');
INSERT INTO "trial_params" VALUES(13,4,'learning_rate',1.36800952797269160816e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.001, "log": true}}');
INSERT INTO "trial_params" VALUES(14,4,'batch_size',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 16]}}');
INSERT INTO "trial_params" VALUES(15,4,'num_train_epochs',1.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(16,4,'optimizer',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adamw", "sgd"]}}');
INSERT INTO "trial_params" VALUES(17,5,'learning_rate',3.60009119291160664417e-04,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.001, "log": true}}');
INSERT INTO "trial_params" VALUES(18,5,'batch_size',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [8, 16]}}');
INSERT INTO "trial_params" VALUES(19,5,'num_train_epochs',4.0,'{"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 1, "high": 5}}');
INSERT INTO "trial_params" VALUES(20,5,'optimizer',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["adamw", "sgd"]}}');
INSERT INTO "trial_params" VALUES(21,6,'learning_rate',1.72404600992422858706e-05,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.001, "log": true}}');
INSERT INTO "trial_params" VALUES(22,8,'x',0.417022004702574,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 1.0, "log": false}}');
INSERT INTO "trial_params" VALUES(23,9,'learning_rate',0.0005,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 1e-05, "high": 0.001, "log": true}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_system_attributes" VALUES(1,1,'fixed_params','{"learning_rate": 2e-05, "batch_size": 8, "num_train_epochs": 3, "optimizer": "adamw"}');
INSERT INTO "trial_system_attributes" VALUES(2,7,'fixed_params','{"learning_rate": 3e-05}');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'variant','"dense"');
INSERT INTO "trial_user_attributes" VALUES(2,1,'seed','1');
INSERT INTO "trial_user_attributes" VALUES(3,1,'task','"sst2"');
INSERT INTO "trial_user_attributes" VALUES(4,1,'f1','0.5');
INSERT INTO "trial_user_attributes" VALUES(5,2,'variant','"dense"');
INSERT INTO "trial_user_attributes" VALUES(6,2,'seed','2');
INSERT INTO "trial_user_attributes" VALUES(7,2,'task','"sst2"');
INSERT INTO "trial_user_attributes" VALUES(8,2,'f1','0.51');
INSERT INTO "trial_user_attributes" VALUES(9,3,'variant','"dense"');
INSERT INTO "trial_user_attributes" VALUES(10,3,'seed','1');
INSERT INTO "trial_user_attributes" VALUES(11,3,'task','"sst2"');
INSERT INTO "trial_user_attributes" VALUES(12,3,'f1','0.52');
INSERT INTO "trial_user_attributes" VALUES(13,4,'variant','"dense"');
INSERT INTO "trial_user_attributes" VALUES(14,4,'seed','2');
INSERT INTO "trial_user_attributes" VALUES(15,4,'task','"sst2"');
INSERT INTO "trial_user_attributes" VALUES(16,4,'f1','0.53');
INSERT INTO "trial_user_attributes" VALUES(17,5,'variant','"dense"');
INSERT INTO "trial_user_attributes" VALUES(18,5,'seed','1');
INSERT INTO "trial_user_attributes" VALUES(19,5,'task','"sst2"');
INSERT INTO "trial_user_attributes" VALUES(20,5,'f1','0.54');
INSERT INTO "trial_user_attributes" VALUES(21,9,'variant','"lora"');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,0.7,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,0.71,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,0.72,'FINITE');
INSERT INTO "trial_values" VALUES(4,5,0,NULL,'INF_POS');
INSERT INTO "trial_values" VALUES(5,8,0,0.608511002351287,'FINITE');
INSERT INTO "trial_values" VALUES(6,8,1,1.25,'FINITE');
INSERT INTO "trial_values" VALUES(7,9,0,0.6,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-29 06:06:28.136359','2026-11-29 06:06:28.394875');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-29 06:06:28.425548','2026-11-29 06:06:28.601721');
INSERT INTO "trials" VALUES(3,2,1,'PRUNED','2026-11-29 06:06:28.607218','2026-11-29 06:06:28.640843');
INSERT INTO "trials" VALUES(4,3,1,'FAIL','2026-11-29 06:06:28.645367','2026-11-29 06:06:28.681391');
INSERT INTO "trials" VALUES(5,4,1,'COMPLETE','2026-11-29 06:06:28.689281','2026-11-29 06:06:28.726618');
INSERT INTO "trials" VALUES(6,5,1,'RUNNING','2026-11-29 06:06:28.734716',NULL);
INSERT INTO "trials" VALUES(7,6,1,'WAITING',NULL,NULL);
INSERT INTO "trials" VALUES(8,0,2,'COMPLETE','2026-11-29 06:06:28.799795','2026-11-29 06:06:28.825975');
INSERT INTO "trials" VALUES(9,7,1,'COMPLETE','2026-11-29 06:06:29.015175','2026-11-29 06:06:29.015175');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
COMMIT;
