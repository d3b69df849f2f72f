BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('3500859a5d39');
CREATE TABLE experiments (
	experiment_id INTEGER NOT NULL, 
	name VARCHAR(256) NOT NULL, 
	artifact_location VARCHAR(256), 
	lifecycle_stage VARCHAR(32), creation_time BIGINT, last_update_time BIGINT, 
	CONSTRAINT experiment_pk PRIMARY KEY (experiment_id), 
	CONSTRAINT experiments_lifecycle_stage CHECK (lifecycle_stage IN ('active', 'deleted')), 
	UNIQUE (name)
);
INSERT INTO "experiments" VALUES(0,'Default','mlruns/0','active',1795932883425,1795932883425);
INSERT INTO "experiments" VALUES(1,'ladder','art','active',1795932883457,1795932883457);
INSERT INTO "experiments" VALUES(2,'scratch','art2','active',1795932883469,1795932883469);
INSERT INTO "experiments" VALUES(3,'gone','mlruns/3','deleted',1795932885501,1795932885610);
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
INSERT INTO "latest_metrics" VALUES('train/loss',1.0,1795932884396,12,0,'702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "latest_metrics" VALUES('train/learning_rate',1.6666666666666668736e-06,1795932884436,12,0,'702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.9,1795932884507,12,0,'702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "latest_metrics" VALUES('nothing',0.0,1795932884548,1,1,'702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "latest_metrics" VALUES('ever more',1.79769313486231562234e+308,1795932884578,1,0,'702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.8,1795932884844,12,0,'362bb4654a744435a59ce0a65151375c');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.9,1795932884985,12,0,'631918509b7d4e08b86c034248adb3a2');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.9,1795932885089,12,0,'4e8d0aca3b4a4d9a915b806babd44d1b');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.1,1795932885193,12,0,'651021a9addd4c5e909da8ce12046a06');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.7,1795932885349,12,0,'182e5ed398d44de8a94bef6194b4d4c0');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.2,1795932885457,12,0,'da4a99110f1e4d1d917617911619889a');
INSERT INTO "latest_metrics" VALUES('eval/accuracy',0.9,1795932885593,12,0,'8cabdc2e90374a97a550df5474036962');
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
INSERT INTO "metrics" VALUES('train/loss',1.91666666666666674068e+00,1795932883580,'702ae3fa2f94449e9b7108b174c42c91',1,0);
INSERT INTO "metrics" VALUES('train/learning_rate',2.0e-05,1795932883616,'702ae3fa2f94449e9b7108b174c42c91',1,0);
INSERT INTO "metrics" VALUES('train/loss',1.83333333333333325931e+00,1795932883648,'702ae3fa2f94449e9b7108b174c42c91',2,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.83333333333333328568e-05,1795932883693,'702ae3fa2f94449e9b7108b174c42c91',2,0);
INSERT INTO "metrics" VALUES('train/loss',1.75,1795932883720,'702ae3fa2f94449e9b7108b174c42c91',3,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.66666666666666674653e-05,1795932883750,'702ae3fa2f94449e9b7108b174c42c91',3,0);
INSERT INTO "metrics" VALUES('train/loss',1.66666666666666674068e+00,1795932883788,'702ae3fa2f94449e9b7108b174c42c91',4,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.5e-05,1795932883820,'702ae3fa2f94449e9b7108b174c42c91',4,0);
INSERT INTO "metrics" VALUES('train/loss',1.58333333333333325931e+00,1795932883856,'702ae3fa2f94449e9b7108b174c42c91',5,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.33333333333333349892e-05,1795932883892,'702ae3fa2f94449e9b7108b174c42c91',5,0);
INSERT INTO "metrics" VALUES('train/loss',1.5,1795932883916,'702ae3fa2f94449e9b7108b174c42c91',6,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.16666666666666679033e-05,1795932883945,'702ae3fa2f94449e9b7108b174c42c91',6,0);
INSERT INTO "metrics" VALUES('train/loss',1.41666666666666651863e+00,1795932883978,'702ae3fa2f94449e9b7108b174c42c91',7,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.0e-05,1795932884032,'702ae3fa2f94449e9b7108b174c42c91',7,0);
INSERT INTO "metrics" VALUES('train/loss',1.33333333333333348136e+00,1795932884064,'702ae3fa2f94449e9b7108b174c42c91',8,0);
INSERT INTO "metrics" VALUES('train/learning_rate',8.33333333333333373289e-06,1795932884097,'702ae3fa2f94449e9b7108b174c42c91',8,0);
INSERT INTO "metrics" VALUES('train/loss',1.25,1795932884140,'702ae3fa2f94449e9b7108b174c42c91',9,0);
INSERT INTO "metrics" VALUES('train/learning_rate',6.66666666666666749441e-06,1795932884176,'702ae3fa2f94449e9b7108b174c42c91',9,0);
INSERT INTO "metrics" VALUES('train/loss',1.16666666666666651863e+00,1795932884220,'702ae3fa2f94449e9b7108b174c42c91',10,0);
INSERT INTO "metrics" VALUES('train/learning_rate',5.0e-06,1795932884258,'702ae3fa2f94449e9b7108b174c42c91',10,0);
INSERT INTO "metrics" VALUES('train/loss',1.08333333333333348136e+00,1795932884292,'702ae3fa2f94449e9b7108b174c42c91',11,0);
INSERT INTO "metrics" VALUES('train/learning_rate',3.3333333333333337472e-06,1795932884352,'702ae3fa2f94449e9b7108b174c42c91',11,0);
INSERT INTO "metrics" VALUES('train/loss',1.0,1795932884396,'702ae3fa2f94449e9b7108b174c42c91',12,0);
INSERT INTO "metrics" VALUES('train/learning_rate',1.6666666666666668736e-06,1795932884436,'702ae3fa2f94449e9b7108b174c42c91',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.7,1795932884476,'702ae3fa2f94449e9b7108b174c42c91',4,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.9,1795932884507,'702ae3fa2f94449e9b7108b174c42c91',12,0);
INSERT INTO "metrics" VALUES('nothing',0.0,1795932884548,'702ae3fa2f94449e9b7108b174c42c91',1,1);
INSERT INTO "metrics" VALUES('ever more',1.79769313486231562234e+308,1795932884578,'702ae3fa2f94449e9b7108b174c42c91',1,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.8,1795932884844,'362bb4654a744435a59ce0a65151375c',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.9,1795932884985,'631918509b7d4e08b86c034248adb3a2',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.9,1795932885089,'4e8d0aca3b4a4d9a915b806babd44d1b',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.1,1795932885193,'651021a9addd4c5e909da8ce12046a06',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.7,1795932885349,'182e5ed398d44de8a94bef6194b4d4c0',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.2,1795932885457,'da4a99110f1e4d1d917617911619889a',12,0);
INSERT INTO "metrics" VALUES('eval/accuracy',0.9,1795932885593,'8cabdc2e90374a97a550df5474036962',12,0);
CREATE TABLE "params" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(500) NOT NULL, 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT param_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "params" VALUES('learning_rate','2e-05','702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "params" VALUES('num_train_epochs','3','702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "params" VALUES('seed','1','702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "params" VALUES('task','sst2','702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "params" VALUES('learning_rate','2e-05','362bb4654a744435a59ce0a65151375c');
INSERT INTO "params" VALUES('num_train_epochs','3','362bb4654a744435a59ce0a65151375c');
INSERT INTO "params" VALUES('seed','1','362bb4654a744435a59ce0a65151375c');
INSERT INTO "params" VALUES('task','sst2','362bb4654a744435a59ce0a65151375c');
INSERT INTO "params" VALUES('learning_rate','2e-05','631918509b7d4e08b86c034248adb3a2');
INSERT INTO "params" VALUES('num_train_epochs','3','631918509b7d4e08b86c034248adb3a2');
INSERT INTO "params" VALUES('seed','2','631918509b7d4e08b86c034248adb3a2');
INSERT INTO "params" VALUES('task','sst2','631918509b7d4e08b86c034248adb3a2');
INSERT INTO "params" VALUES('learning_rate','2e-05','4e8d0aca3b4a4d9a915b806babd44d1b');
INSERT INTO "params" VALUES('num_train_epochs','3','4e8d0aca3b4a4d9a915b806babd44d1b');
INSERT INTO "params" VALUES('seed','2','4e8d0aca3b4a4d9a915b806babd44d1b');
INSERT INTO "params" VALUES('task','sst2','4e8d0aca3b4a4d9a915b806babd44d1b');
INSERT INTO "params" VALUES('learning_rate','2e-05','651021a9addd4c5e909da8ce12046a06');
INSERT INTO "params" VALUES('num_train_epochs','3','651021a9addd4c5e909da8ce12046a06');
INSERT INTO "params" VALUES('seed','2','651021a9addd4c5e909da8ce12046a06');
INSERT INTO "params" VALUES('task','sst2','651021a9addd4c5e909da8ce12046a06');
INSERT INTO "params" VALUES('learning_rate','9.0','e53d857ed4074380ae2200d6549c7dc3');
INSERT INTO "params" VALUES('task','sst2','e53d857ed4074380ae2200d6549c7dc3');
INSERT INTO "params" VALUES('learning_rate','2e-05','182e5ed398d44de8a94bef6194b4d4c0');
INSERT INTO "params" VALUES('seed','2','182e5ed398d44de8a94bef6194b4d4c0');
INSERT INTO "params" VALUES('learning_rate','2e-05','da4a99110f1e4d1d917617911619889a');
INSERT INTO "params" VALUES('num_train_epochs','3','da4a99110f1e4d1d917617911619889a');
INSERT INTO "params" VALUES('seed','1','da4a99110f1e4d1d917617911619889a');
INSERT INTO "params" VALUES('task','sst2','da4a99110f1e4d1d917617911619889a');
INSERT INTO "params" VALUES('learning_rate','2e-05','8cabdc2e90374a97a550df5474036962');
INSERT INTO "params" VALUES('num_train_epochs','3','8cabdc2e90374a97a550df5474036962');
INSERT INTO "params" VALUES('seed','1','8cabdc2e90374a97a550df5474036962');
INSERT INTO "params" VALUES('task','sst2','8cabdc2e90374a97a550df5474036962');
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
INSERT INTO "runs" VALUES('702ae3fa2f94449e9b7108b174c42c91','d1','UNKNOWN','','','unknown','FINISHED',1795932883474,1795932884612,'','active','art/702ae3fa2f94449e9b7108b174c42c91/artifacts',1,NULL);
INSERT INTO "runs" VALUES('362bb4654a744435a59ce0a65151375c','l1','UNKNOWN','','','unknown','FINISHED',1795932884661,1795932884873,'','active','art/362bb4654a744435a59ce0a65151375c/artifacts',1,NULL);
INSERT INTO "runs" VALUES('631918509b7d4e08b86c034248adb3a2','broken','UNKNOWN','','','unknown','FAILED',1795932884904,1795932885000,'','active','art/631918509b7d4e08b86c034248adb3a2/artifacts',1,NULL);
INSERT INTO "runs" VALUES('4e8d0aca3b4a4d9a915b806babd44d1b','going','UNKNOWN','','','unknown','RUNNING',1795932885017,NULL,'','active','art/4e8d0aca3b4a4d9a915b806babd44d1b/artifacts',1,NULL);
INSERT INTO "runs" VALUES('651021a9addd4c5e909da8ce12046a06','thrown away','UNKNOWN','','','unknown','FINISHED',1795932885109,1795932885201,'','deleted','art/651021a9addd4c5e909da8ce12046a06/artifacts',1,1795932885218);
INSERT INTO "runs" VALUES('e53d857ed4074380ae2200d6549c7dc3','sweep','UNKNOWN','','','unknown','FINISHED',1795932885225,1795932885274,'','active','art/e53d857ed4074380ae2200d6549c7dc3/artifacts',1,NULL);
INSERT INTO "runs" VALUES('182e5ed398d44de8a94bef6194b4d4c0','child','UNKNOWN','','','unknown','FINISHED',1795932885297,1795932885365,'','active','art/182e5ed398d44de8a94bef6194b4d4c0/artifacts',1,NULL);
INSERT INTO "runs" VALUES('da4a99110f1e4d1d917617911619889a','elsewhere','UNKNOWN','','','unknown','FINISHED',1795932885384,1795932885480,'','active','art2/da4a99110f1e4d1d917617911619889a/artifacts',2,NULL);
INSERT INTO "runs" VALUES('8cabdc2e90374a97a550df5474036962','in a deleted experiment','UNKNOWN','','','unknown','FINISHED',1795932885517,1795932885605,'','deleted','mlruns/3/8cabdc2e90374a97a550df5474036962/artifacts',3,1795932885611);
CREATE TABLE "tags" (
	"key" VARCHAR(250) NOT NULL, 
	value VARCHAR(5000), 
	run_uuid VARCHAR(32) NOT NULL, 
	CONSTRAINT tag_pk PRIMARY KEY ("key", run_uuid), 
	FOREIGN KEY(run_uuid) REFERENCES runs (run_uuid)
);
INSERT INTO "tags" VALUES('variant','dense','702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "tags" VALUES('mlflow.runName','d1','702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','702ae3fa2f94449e9b7108b174c42c91');
INSERT INTO "tags" VALUES('variant','lora','362bb4654a744435a59ce0a65151375c');
INSERT INTO "tags" VALUES('mlflow.runName','l1','362bb4654a744435a59ce0a65151375c');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','362bb4654a744435a59ce0a65151375c');
INSERT INTO "tags" VALUES('variant','dense','631918509b7d4e08b86c034248adb3a2');
INSERT INTO "tags" VALUES('mlflow.runName','broken','631918509b7d4e08b86c034248adb3a2');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','631918509b7d4e08b86c034248adb3a2');
INSERT INTO "tags" VALUES('variant','dense','4e8d0aca3b4a4d9a915b806babd44d1b');
INSERT INTO "tags" VALUES('mlflow.runName','going','4e8d0aca3b4a4d9a915b806babd44d1b');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','4e8d0aca3b4a4d9a915b806babd44d1b');
INSERT INTO "tags" VALUES('variant','dense','651021a9addd4c5e909da8ce12046a06');
INSERT INTO "tags" VALUES('mlflow.runName','thrown away','651021a9addd4c5e909da8ce12046a06');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','651021a9addd4c5e909da8ce12046a06');
INSERT INTO "tags" VALUES('mlflow.runName','sweep','e53d857ed4074380ae2200d6549c7dc3');
INSERT INTO "tags" VALUES('variant','lora','e53d857ed4074380ae2200d6549c7dc3');
INSERT INTO "tags" VALUES('mlflow.parentRunId','e53d857ed4074380ae2200d6549c7dc3','182e5ed398d44de8a94bef6194b4d4c0');
INSERT INTO "tags" VALUES('mlflow.runName','child','182e5ed398d44de8a94bef6194b4d4c0');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','182e5ed398d44de8a94bef6194b4d4c0');
INSERT INTO "tags" VALUES('variant','dense','da4a99110f1e4d1d917617911619889a');
INSERT INTO "tags" VALUES('mlflow.runName','elsewhere','da4a99110f1e4d1d917617911619889a');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','da4a99110f1e4d1d917617911619889a');
INSERT INTO "tags" VALUES('variant','dense','8cabdc2e90374a97a550df5474036962');
INSERT INTO "tags" VALUES('mlflow.runName','in a deleted experiment','8cabdc2e90374a97a550df5474036962');
INSERT INTO "tags" VALUES('mlflow.source.git.commit','0123456789abcdef0123456789abcdef01234567','8cabdc2e90374a97a550df5474036962');
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
CREATE INDEX index_latest_metrics_run_uuid ON latest_metrics (run_uuid);
CREATE INDEX index_tags_run_uuid ON tags (run_uuid);
CREATE INDEX index_params_run_uuid ON params (run_uuid);
COMMIT;
