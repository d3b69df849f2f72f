BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('dc11669786a5');
CREATE TABLE "experiments" (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), 
	creation_time BIGINT, 
	last_update_time BIGINT, 
	workspace VARCHAR(63) DEFAULT 'default' NOT NULL, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	CONSTRAINT uq_experiments_workspace_name UNIQUE (workspace, name)
);
INSERT INTO "experiments" VALUES(0,'Default','mlruns/0','active',1795932991559,1795932991559,'default');
INSERT INTO "experiments" VALUES(1,'ladder','art','active',1795932991561,1795932991561,'default');
INSERT INTO "experiments" VALUES(2,'scratch','art2','active',1795932991565,1795932991565,'default');
INSERT INTO "experiments" VALUES(3,'gone','mlruns/3','deleted',1795932991872,1795932991897,'default');
CREATE TABLE "latest_metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT, 
	step BIGINT NOT NULL, 
	is_nan BOOLEAN NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT latest_metric_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
INSERT INTO "latest_metrics" VALUES('train/loss',1.0,1795932991695,12,0,'f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "latest_metrics" VALUES('train/learning_rate',1.6666666666666668736e-06,1795932991699,12,0,'f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.9,1795932991705,12,0,'f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "latest_metrics" VALUES('nothing',0.0,1795932991708,1,1,'f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "latest_metrics" VALUES('ever more',1.79769313486231562234e+308,1795932991712,1,0,'f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.8,1795932991740,12,0,'8f25721f92f94fb5afbee8937ef5ad96');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.9,1795932991760,12,0,'b6c130a3801c42ed98dfda31b9dd4b71');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.9,1795932991786,12,0,'498c755b51ad4dcbbf7af3a583851f1d');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.1,1795932991804,12,0,'af17f944dcb740d8a753f98afe9a993c');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.7,1795932991842,12,0,'22445b6dc11d4549b04752f1308771db');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.2,1795932991866,12,0,'a7b3208cfd5e4238bb04e4d397d4e66e');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.9,1795932991889,12,0,'6c051af6d57341a5a2db0b70d36e9a25');
CREATE TABLE "metrics" (
	"key" VARCHAR(250) NOT NULL, 
	value FLOAT NOT NULL, 
	timestamp BIGINT NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	step BIGINT DEFAULT '0' NOT NULL, 
	is_nan BOOLEAN DEFAULT '0' NOT NULL, 
	CONSTRAINT metric_pk PRIMARY KEY ("key", timestamp, step, run_uuid, value, is_nan), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid), 
	CHECK (is_nan IN (0, 1))
);
INSERT INTO "metrics" VALUES('train/loss',1.91666666666666674068e+00,1795932991602,'f5a60493f7b2484c867a944953d3dc80',1,0);
INSERT INTO "metrics" VALUES('train/learning_rate',2.0e-05,1795932991610,'f5a60493f7b2484c867a944953d3dc80',1,0);
INSERT INTO "metrics" VALUES('train/loss',1.83333333333333325931e+00,1795932991614,'f5a60493f7b2484c867a944953d3dc80',2,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.83333333333333328568e-05,1795932991621,'f5a60493f7b2484c867a944953d3dc80',2,0);
INSERT INTO "metrics" VALUES('train/loss',1.75,1795932991626,'f5a60493f7b2484c867a944953d3dc80',3,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.66666666666666674653e-05,1795932991631,'f5a60493f7b2484c867a944953d3dc80',3,0);
INSERT INTO "metrics" VALUES('train/loss',1.66666666666666674068e+00,1795932991636,'f5a60493f7b2484c867a944953d3dc80',4,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.5e-05,1795932991641,'f5a60493f7b2484c867a944953d3dc80',4,0);
INSERT INTO "metrics" VALUES('train/loss',1.58333333333333325931e+00,1795932991646,'f5a60493f7b2484c867a944953d3dc80',5,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.33333333333333349892e-05,1795932991650,'f5a60493f7b2484c867a944953d3dc80',5,0);
INSERT INTO "metrics" VALUES('train/loss',1.5,1795932991653,'f5a60493f7b2484c867a944953d3dc80',6,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.16666666666666679033e-05,1795932991656,'f5a60493f7b2484c867a944953d3dc80',6,0);
INSERT INTO "metrics" VALUES('train/loss',1.41666666666666651863e+00,1795932991661,'f5a60493f7b2484c867a944953d3dc80',7,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.0e-05,1795932991664,'f5a60493f7b2484c867a944953d3dc80',7,0);
INSERT INTO "metrics" VALUES('train/loss',1.33333333333333348136e+00,1795932991668,'f5a60493f7b2484c867a944953d3dc80',8,0);
INSERT INTO "metrics" VALUES('train/learning_rate',8.33333333333333373289e-06,1795932991671,'f5a60493f7b2484c867a944953d3dc80',8,0);
INSERT INTO "metrics" VALUES('train/loss',1.25,1795932991674,'f5a60493f7b2484c867a944953d3dc80',9,0);
INSERT INTO "metrics" VALUES('train/learning_rate',6.66666666666666749441e-06,1795932991678,'f5a60493f7b2484c867a944953d3dc80',9,0);
INSERT INTO "metrics" VALUES('train/loss',1.16666666666666651863e+00,1795932991682,'f5a60493f7b2484c867a944953d3dc80',10,0);
INSERT INTO "metrics" VALUES('train/learning_rate',5.0e-06,1795932991685,'f5a60493f7b2484c867a944953d3dc80',10,0);
INSERT INTO "metrics" VALUES('train/loss',1.08333333333333348136e+00,1795932991688,'f5a60493f7b2484c867a944953d3dc80',11,0);
INSERT INTO "metrics" VALUES('train/learning_rate',3.3333333333333337472e-06,1795932991691,'f5a60493f7b2484c867a944953d3dc80',11,0);
INSERT INTO "metrics" VALUES('train/loss',1.0,1795932991695,'f5a60493f7b2484c867a944953d3dc80',12,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.6666666666666668736e-06,1795932991699,'f5a60493f7b2484c867a944953d3dc80',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.7,1795932991702,'f5a60493f7b2484c867a944953d3dc80',4,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.9,1795932991705,'f5a60493f7b2484c867a944953d3dc80',12,0);
INSERT INTO "metrics" VALUES('nothing',0.0,1795932991708,'f5a60493f7b2484c867a944953d3dc80',1,1);
INSERT INTO "metrics" VALUES('ever more',1.79769313486231562234e+308,1795932991712,'f5a60493f7b2484c867a944953d3dc80',1,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.8,1795932991740,'8f25721f92f94fb5afbee8937ef5ad96',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.9,1795932991760,'b6c130a3801c42ed98dfda31b9dd4b71',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.9,1795932991786,'498c755b51ad4dcbbf7af3a583851f1d',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.1,1795932991804,'af17f944dcb740d8a753f98afe9a993c',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.7,1795932991842,'22445b6dc11d4549b04752f1308771db',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.2,1795932991866,'a7b3208cfd5e4238bb04e4d397d4e66e',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.9,1795932991889,'6c051af6d57341a5a2db0b70d36e9a25',12,0);
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "params" VALUES('learning_rate','2e-05','f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "params" VALUES('num_train_epochs','3','f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "params" VALUES('seed','1','f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "params" VALUES('task','sst2','f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "params" VALUES('learning_rate','2e-05','8f25721f92f94fb5afbee8937ef5ad96');
INSERT INTO "params" VALUES('num_train_epochs','3','8f25721f92f94fb5afbee8937ef5ad96');
INSERT INTO "params" VALUES('seed','1','8f25721f92f94fb5afbee8937ef5ad96');
INSERT INTO "params" VALUES('task','sst2','8f25721f92f94fb5afbee8937ef5ad96');
INSERT INTO "params" VALUES('learning_rate','2e-05','b6c130a3801c42ed98dfda31b9dd4b71');
INSERT INTO "params" VALUES('num_train_epochs','3','b6c130a3801c42ed98dfda31b9dd4b71');
INSERT INTO "params" VALUES('seed','2','b6c130a3801c42ed98dfda31b9dd4b71');
INSERT INTO "params" VALUES('task','sst2','b6c130a3801c42ed98dfda31b9dd4b71');
INSERT INTO "params" VALUES('learning_rate','2e-05','498c755b51ad4dcbbf7af3a583851f1d');
INSERT INTO "params" VALUES('num_train_epochs','3','498c755b51ad4dcbbf7af3a583851f1d');
INSERT INTO "params" VALUES('seed','2','498c755b51ad4dcbbf7af3a583851f1d');
INSERT INTO "params" VALUES('task','sst2','498c755b51ad4dcbbf7af3a583851f1d');
INSERT INTO "params" VALUES('learning_rate','2e-05','af17f944dcb740d8a753f98afe9a993c');
INSERT INTO "params" VALUES('num_train_epochs','3','af17f944dcb740d8a753f98afe9a993c');
INSERT INTO "params" VALUES('seed','2','af17f944dcb740d8a753f98afe9a993c');
INSERT INTO "params" VALUES('task','sst2','af17f944dcb740d8a753f98afe9a993c');
INSERT INTO "params" VALUES('learning_rate','9.0','614b3443226e4c358c27aed757400d48');
INSERT INTO "params" VALUES('task','sst2','614b3443226e4c358c27aed757400d48');
INSERT INTO "params" VALUES('learning_rate','2e-05','22445b6dc11d4549b04752f1308771db');
INSERT INTO "params" VALUES('seed','2','22445b6dc11d4549b04752f1308771db');
INSERT INTO "params" VALUES('learning_rate','2e-05','a7b3208cfd5e4238bb04e4d397d4e66e');
INSERT INTO "params" VALUES('num_train_epochs','3','a7b3208cfd5e4238bb04e4d397d4e66e');
INSERT INTO "params" VALUES('seed','1','a7b3208cfd5e4238bb04e4d397d4e66e');
INSERT INTO "params" VALUES('task','sst2','a7b3208cfd5e4238bb04e4d397d4e66e');
INSERT INTO "params" VALUES('learning_rate','2e-05','6c051af6d57341a5a2db0b70d36e9a25');
INSERT INTO "params" VALUES('num_train_epochs','3','6c051af6d57341a5a2db0b70d36e9a25');
INSERT INTO "params" VALUES('seed','1','6c051af6d57341a5a2db0b70d36e9a25');
INSERT INTO "params" VALUES('task','sst2','6c051af6d57341a5a2db0b70d36e9a25');
CREATE TABLE "runs" (
	run_uuid VARCHAR(32) NOT NULL, 
	name VARCHAR(250), 
	source_type VARCHAR(20), 
	source_name VARCHAR(500), 
	entry_point_name VARCHAR(50), 
	user_id VARCHAR(256), 
	status VARCHAR(9), 
	start_time BIGINT, 
	end_time BIGINT, 
	source_version VARCHAR(50), 
	lifecycle_stage VARCHAR(20), 
	artifact_uri VARCHAR(200), 
	experiment_id INTEGER, deleted_time BIGINT, 
	CONSTRAINT run_pk PRIMARY KEY (run_uuid), 
	CONSTRAINT source_type CHECK (source_type IN ('NOTEBOOK', 'JOB', 'LOCAL', 'UNKNOWN', 'PROJECT')), 
	CONSTRAINT runs_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	FOREIGN KEY(experiment_id) REFERENCES experiments (experiment_id), 
	CHECK (status IN ('SCHEDULED', 'FAILED', 'FINISHED', 'RUNNING', 'KILLED'))
);
INSERT INTO "runs" VALUES('f5a60493f7b2484c867a944953d3dc80','d1','UNKNOWN','','','unknown','FINISHED',1795932991569,1795932991716,'','active','art/f5a60493f7b2484c867a944953d3dc80/artifacts',1,NULL);
INSERT INTO "runs" VALUES('8f25721f92f94fb5afbee8937ef5ad96','l1','UNKNOWN','','','unknown','FINISHED',1795932991722,1795932991743,'','active','art/8f25721f92f94fb5afbee8937ef5ad96/artifacts',1,NULL);
INSERT INTO "runs" VALUES('b6c130a3801c42ed98dfda31b9dd4b71','broken','UNKNOWN','','','unknown','FAILED',1795932991747,1795932991763,'','active','art/b6c130a3801c42ed98dfda31b9dd4b71/artifacts',1,NULL);
INSERT INTO "runs" VALUES('498c755b51ad4dcbbf7af3a583851f1d','going','UNKNOWN','','','unknown','RUNNING',1795932991766,NULL,'','active','art/498c755b51ad4dcbbf7af3a583851f1d/artifacts',1,NULL);
INSERT INTO "runs" VALUES('af17f944dcb740d8a753f98afe9a993c','thrown away','UNKNOWN','','','unknown','FINISHED',1795932991789,1795932991807,'','deleted','art/af17f944dcb740d8a753f98afe9a993c/artifacts',1,1795932991814);
INSERT INTO "runs" VALUES('614b3443226e4c358c27aed757400d48','sweep','UNKNOWN','','','unknown','FINISHED',1795932991816,1795932991829,'','active','art/614b3443226e4c358c27aed757400d48/artifacts',1,NULL);
INSERT INTO "runs" VALUES('22445b6dc11d4549b04752f1308771db','child','UNKNOWN','','','unknown','FINISHED',1795932991832,1795932991845,'','active','art/22445b6dc11d4549b04752f1308771db/artifacts',1,NULL);
INSERT INTO "runs" VALUES('a7b3208cfd5e4238bb04e4d397d4e66e','elsewhere','UNKNOWN','','','unknown','FINISHED',1795932991848,1795932991869,'','active','art2/a7b3208cfd5e4238bb04e4d397d4e66e/artifacts',2,NULL);
INSERT INTO "runs" VALUES('6c051af6d57341a5a2db0b70d36e9a25','in a deleted experiment','UNKNOWN','','','unknown','FINISHED',1795932991874,1795932991893,'','deleted','mlruns/3/6c051af6d57341a5a2db0b70d36e9a25/artifacts',3,1795932991899);
CREATE TABLE "tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(8000), 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "tags" VALUES('variant','dense','f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "tags" VALUES('mlflow.runName','d1','f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','f5a60493f7b2484c867a944953d3dc80');
INSERT INTO "tags" VALUES('variant','lora','8f25721f92f94fb5afbee8937ef5ad96');
INSERT INTO "tags" VALUES('mlflow.runName','l1','8f25721f92f94fb5afbee8937ef5ad96');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','8f25721f92f94fb5afbee8937ef5ad96');
INSERT INTO "tags" VALUES('variant','dense','b6c130a3801c42ed98dfda31b9dd4b71');
INSERT INTO "tags" VALUES('mlflow.runName','broken','b6c130a3801c42ed98dfda31b9dd4b71');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','b6c130a3801c42ed98dfda31b9dd4b71');
INSERT INTO "tags" VALUES('variant','dense','498c755b51ad4dcbbf7af3a583851f1d');
INSERT INTO "tags" VALUES('mlflow.runName','going','498c755b51ad4dcbbf7af3a583851f1d');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','498c755b51ad4dcbbf7af3a583851f1d');
INSERT INTO "tags" VALUES('variant','dense','af17f944dcb740d8a753f98afe9a993c');
INSERT INTO "tags" VALUES('mlflow.runName','thrown away','af17f944dcb740d8a753f98afe9a993c');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','af17f944dcb740d8a753f98afe9a993c');
INSERT INTO "tags" VALUES('mlflow.runName','sweep','614b3443226e4c358c27aed757400d48');
INSERT INTO "tags" VALUES('variant','lora','614b3443226e4c358c27aed757400d48');
INSERT INTO "tags" VALUES('mlflow.parentRunId','614b3443226e4c358c27aed757400d48','22445b6dc11d4549b04752f1308771db');
INSERT INTO "tags" VALUES('mlflow.runName','child','22445b6dc11d4549b04752f1308771db');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','22445b6dc11d4549b04752f1308771db');
INSERT INTO "tags" VALUES('variant','dense','a7b3208cfd5e4238bb04e4d397d4e66e');
INSERT INTO "tags" VALUES('mlflow.runName','elsewhere','a7b3208cfd5e4238bb04e4d397d4e66e');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','a7b3208cfd5e4238bb04e4d397d4e66e');
INSERT INTO "tags" VALUES('variant','dense','6c051af6d57341a5a2db0b70d36e9a25');
INSERT INTO "tags" VALUES('mlflow.runName','in a deleted experiment','6c051af6d57341a5a2db0b70d36e9a25');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','6c051af6d57341a5a2db0b70d36e9a25');
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
CREATE INDEX index_latest_metrics_run_uuid ON latest_metrics (run_uuid);
CREATE INDEX index_params_run_uuid ON params (run_uuid);
CREATE INDEX index_tags_run_uuid ON tags (run_uuid);
CREATE INDEX idx_experiments_workspace ON experiments (workspace);
CREATE INDEX idx_experiments_workspace_creation_time ON experiments (workspace, creation_time);
CREATE INDEX index_metrics_run_uuid_key_step ON metrics (run_uuid, "key", step);
COMMIT;
