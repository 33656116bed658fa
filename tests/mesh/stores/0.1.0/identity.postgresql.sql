--
-- PostgreSQL database dump
--


-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: api_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.api_key (
    key_digest text NOT NULL,
    role text NOT NULL,
    subject text NOT NULL,
    issued_at bigint NOT NULL,
    bootstrap boolean NOT NULL,
    key_id text NOT NULL,
    label text NOT NULL,
    last_used_at bigint,
    revoked_at bigint
);


--
-- Name: credential; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.credential (
    credential_id text NOT NULL,
    psn_no text NOT NULL,
    channel_code text NOT NULL,
    activated_at bigint NOT NULL
);


--
-- Name: ec_code; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ec_code (
    code_digest text NOT NULL,
    psn_no text NOT NULL,
    state text NOT NULL,
    shown_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    CONSTRAINT ec_code_state CHECK ((state = ANY (ARRAY['shown'::text, 'used'::text, 'replaced'::text])))
);


--
-- Name: ec_token; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ec_token (
    token_digest text NOT NULL,
    psn_no text NOT NULL,
    org_id text NOT NULL,
    code_digest text NOT NULL,
    issued_at bigint NOT NULL,
    expires_at bigint NOT NULL
);


--
-- Name: enrolment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.enrolment (
    psn_no text NOT NULL,
    insutype text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    insuplc_admdvs text NOT NULL,
    psn_type text NOT NULL,
    psn_insu_stas text NOT NULL,
    status text NOT NULL,
    insured_since text,
    cvlserv_flag text NOT NULL,
    emp_name text NOT NULL,
    facts text NOT NULL,
    CONSTRAINT enrolment_cvlserv_flag CHECK ((cvlserv_flag = ANY (ARRAY['0'::text, '1'::text]))),
    CONSTRAINT enrolment_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Name: entry; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.entry (
    scope text NOT NULL,
    request_id text NOT NULL,
    rpc text NOT NULL,
    content_hash text NOT NULL,
    response bytea NOT NULL,
    created_at bigint NOT NULL,
    seed bytea NOT NULL,
    secret_digest text NOT NULL
);


--
-- Name: family_link; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.family_link (
    psn_no text NOT NULL,
    row_no integer NOT NULL,
    owner_psn_no text NOT NULL,
    owner_insutype text NOT NULL,
    from_day text NOT NULL,
    to_day text
);


--
-- Name: identity_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.identity_version (
    version_num text NOT NULL,
    release text DEFAULT ''::text NOT NULL,
    upgraded_at bigint DEFAULT '0'::bigint NOT NULL,
    compared text DEFAULT ''::text NOT NULL
);


--
-- Name: partner; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.partner (
    partner_code text NOT NULL,
    partner_name text NOT NULL,
    role text NOT NULL,
    auth_style text NOT NULL,
    access_key text,
    secret text NOT NULL,
    secret_digest text,
    sandbox boolean NOT NULL,
    dialect text NOT NULL,
    limits text NOT NULL,
    saved_at bigint NOT NULL
);


--
-- Name: person; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.person (
    psn_no text NOT NULL,
    psn_name text NOT NULL,
    psn_cert_type text NOT NULL,
    certno text NOT NULL,
    gend text NOT NULL,
    naty text NOT NULL,
    brdy text NOT NULL,
    card_no text,
    card_sn text NOT NULL
);


--
-- Name: person_identity; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.person_identity (
    psn_no text NOT NULL,
    row_no integer NOT NULL,
    psn_idet_type text NOT NULL,
    identity text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    memo text NOT NULL,
    psn_type_lv text NOT NULL
);


--
-- Name: sign_in; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sign_in (
    sign_no text NOT NULL,
    fixmedins_code text NOT NULL,
    opter_no text NOT NULL,
    mac text NOT NULL,
    ip text NOT NULL,
    signed_in_at bigint NOT NULL,
    signed_out_at bigint
);


--
-- Data for Name: api_key; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.api_key VALUES
	('74ae980ed67b412ca1a4ffd0f0b44296390cd6e6ef6238baac7b2f3d1735cc96', 'operator', 'bootstrap', 1781056800572640, true, '17810568005744229353', '', 1781056801668530, NULL),
	('a1dc9ab49362bbf996adf40cf27c8282eaae6a60be50e5280dd2ce3187dddcfa', 'institution', 'H99010000001', 1781056803605747, false, '17810568036069268470', '', NULL, NULL),
	('5649d5856efafa881dcf0b894a27dd5b8ff8a2903dd35e4256a6768ec8a5a7c8', 'person', '99000000000000000001', 1781056803701187, false, '17810568037019437676', '', NULL, NULL),
	('cad3f260d6529d40517e98a530831042244ee6e0264a85d5d7fdf65e1d79fe93', 'person', '11000000000000000102', 1781056803753228, false, '17810568037540693858', '', NULL, NULL),
	('a0cb3ccb22f115f457743f72cfa7bab1186b3eabbadf91a5eeaa8e049dca1c96', 'channel', 'NATIONAL_APP', 1781056803653822, false, '17810568036547165245', '', 1781056806933912, NULL),
	('defe901e1979f1c3dd1ea7d836e00eaa92a4dde70c165e7f06d97ac6d8d72090', 'person', '9901000000001008', 1781056811196284, false, '17810568111988341405', '', NULL, NULL);


--
-- Data for Name: credential; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.credential VALUES
	('17810568069441146417', '9901000000001002', 'NATIONAL_APP', 1781056806941470),
	('17810568106850080770', '9901000000001008', 'NATIONAL_APP', 1781056810682813);


--
-- Data for Name: ec_code; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ec_code VALUES
	('4bca82faa2ca125172501fb36468788e81d6feb14bfcf4cb7b98e22b660b8428', '9901000000001002', 'used', 1781056806996539, 1781056866996539),
	('b48ace7571e95fa4e9f6c74e11013f6e75d693d2e941351da32ecc1cc232d09b', '9901000000001008', 'replaced', 1781056810735851, 1781056870735851),
	('b09f5efe416bf46e5e84184d883ac77d7c6ea3a5c71156cf10b4cfcdf6d9d896', '9901000000001008', 'used', 1781056810843969, 1781056870843969),
	('1d7e01a953831e72ab7a3792db3e09ac413d0942704831f2135738d4bdf7360e', '9901000000001008', 'replaced', 1781056810983930, 1781056870983930),
	('69a7000f33358ad528c1ff3787ab90d50bc07785f0741eff984b8a65c146e275', '9901000000001008', 'shown', 1781056811036274, 1781056871036274);


--
-- Data for Name: ec_token; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.ec_token VALUES
	('5680780e5b5bf7d54156d1e630765337cc994c9977e0479968f6655fdd0065dd', '9901000000001002', 'H99010000001', '4bca82faa2ca125172501fb36468788e81d6feb14bfcf4cb7b98e22b660b8428', 1781056807057055, 1781058607057055),
	('d60e6687308e08173fdb87ab6cda5daeda42789c41e0d593ff8e995647dc94ae', '9901000000001008', 'H99010000001', 'b09f5efe416bf46e5e84184d883ac77d7c6ea3a5c71156cf10b4cfcdf6d9d896', 1781056810896735, 1781058610896735);


--
-- Data for Name: enrolment; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.enrolment VALUES
	('99000000000000000001', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试单位', '{}'),
	('11000000000000000101', '310', '2005-07-01', NULL, '110000', '11', '1', 'active', NULL, '0', '测试单位', '{}'),
	('11000000000000000102', '310', '1998-01-01', NULL, '110000', '12', '1', 'retired', NULL, '0', '测试单位', '{}'),
	('11000000000000000103', '310', '2001-09-01', NULL, '110000', '11', '1', 'active', NULL, '0', '测试单位', '{}'),
	('37010000000000000201', '390', '2012-01-01', NULL, '370100', '15', '1', 'resident', NULL, '0', '', '{}'),
	('37010000000000000202', '390', '2012-01-01', NULL, '370100', '15', '1', 'resident', NULL, '0', '', '{}'),
	('36010000000000000301', '390', '2010-01-01', NULL, '360100', '15', '1', 'resident', NULL, '0', '', '{"cii_bonus_units":"0"}'),
	('33010000000000000402', '310', '2008-03-01', NULL, '330100', '11', '1', 'active', NULL, '0', '测试单位', '{"contracted":"false"}'),
	('11000000000000000901', '310', '2010-01-01', NULL, '110000', '11', '2', 'active', NULL, '0', '测试单位', '{}'),
	('11000000000000000902', '310', '2010-01-01', '2020-12-31', '110000', '11', '1', 'active', NULL, '0', '测试单位', '{}'),
	('99000000000000000801', '310', '2018-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试单位', '{}'),
	('99000000000000000802', '310', '2018-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试单位', '{}'),
	('99000000000000000803', '310', '2018-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试单位', '{}'),
	('99000000000000000804', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试单位', '{}'),
	('33010000000000000401', '310', '2006-03-01', NULL, '330100', '11', '1', 'active', NULL, '0', '测试单位', '{"contracted":"false"}'),
	('9901000000001000', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001001', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001002', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001003', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001004', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001005', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001006', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001007', '310', '2015-01-01', NULL, '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001008', '310', '2015-01-01', '2026-06-30', '990100', '11', '1', 'active', NULL, '0', '测试用人单位', '{}'),
	('9901000000001008', '310', '2026-07-01', NULL, '990100', '12', '1', 'retired', NULL, '0', '', '{}');


--
-- Data for Name: entry; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.entry VALUES
	('operator:bootstrap', 'seed-b050f074aff5821d159a7f6c79da46417860b536', '/yibao.identity.v1.PartnerService/RegisterPartner', '140fc73d581b23c1a52a1afa27126f57b239c4de30cc91ba791fcd7e0b9948a2', '\x0a240a0c483939303130303030303031120ce6b58be8af95e58cbbe999a21801200138014200', 1781056803141707, '\x', ''),
	('operator:bootstrap', 'seed-7e9fc21a9e18a417d303009dcb75d049e21e9774', '/yibao.identity.v1.PartnerService/RegisterPartner', '4a14fedf62b7a213e9b32064ca43ae3284995a06d21154d91e76fe7bec37cf23', '\x0a330a0c4839393031303030303030321212e6b58be8af95e4ba8ce7baa7e58cbbe999a2180120022a07746573742d616b38014200', 1781056803198304, '\x', ''),
	('operator:bootstrap', 'seed-90f602aafa00977e295f03def7036c02555ec74d', '/yibao.identity.v1.PartnerService/RegisterPartner', '7370df4b59d19b0f849c716d32310d8cde19d48c7325b919402f7cd444d10bbb', '\x0a370a0c4839393031303030303030331212e6b58be8af95e4b880e7baa7e58cbbe999a2180120032a0b746573742d70616173696438014200', 1781056803246540, '\x', ''),
	('operator:bootstrap', 'seed-4329c74487544d8609a566daa1e6e3da13005baa', '/yibao.identity.v1.PartnerService/RegisterPartner', 'dac5910cdf4bf1ebd0676c30d22986f785072597c546cadf87093626247cbc3d', '\x0a240a0c503939303130303030303031120ce6b58be8af95e88dafe5ba971801200438014200', 1781056803294239, '\x', ''),
	('operator:bootstrap', 'seed-cc9c0eccc1e423e0b8a1926babeead6db63df80c', '/yibao.identity.v1.PartnerService/RegisterPartner', '935509b2cd2a6a5cad8a9aa9e57c814e7e7a68bf95c2e9c2edaa6f541a984691', '\x0a2a0a0c4831313031303130303930311212e4baace58d8ee7a4bae88c83e58cbbe999a21801200138014200', 1781056803342174, '\x', ''),
	('operator:bootstrap', 'seed-f7ae43038fa955ddbe85e77031d73c8b5dca70c9', '/yibao.identity.v1.PartnerService/RegisterPartner', '719e9cff7baa3068c811b6308a25f03f82234fc50a419872d3d0332104f05fde', '\x0a2a0a0c4833373031303230303930311212e6b389e59f8ee7a4bae88c83e58cbbe999a21801200138014200', 1781056803389502, '\x', ''),
	('operator:bootstrap', 'seed-d46eb27bd0a45302d426fcedd9e37a1c85bb1c58', '/yibao.identity.v1.PartnerService/RegisterPartner', '4f7b53335f527ceeba08782dc5c6cede7b90a55a675593825269749a87ef7a25', '\x0a2a0a0c4833363031303230303930311212e6b4aae59f8ee7a4bae88c83e58cbbe999a21801200138014200', 1781056803445052, '\x', ''),
	('operator:bootstrap', 'seed-cd775dac74ebbd942cda9dd413d63cdd87b74d02', '/yibao.identity.v1.PartnerService/RegisterPartner', '2b2e8c92052750e6a04948ddb7a20a5150fd24560ef25e063bab046187f3ae2b', '\x0a2a0a0c4833333031303630303930321212e69dade5b79ee6b58be8af95e58cbbe999a21801200138014200', 1781056803499718, '\x', ''),
	('operator:bootstrap', 'seed-72dd737fed5dc1cc36f334ec8e48ff347a53329b', '/yibao.identity.v1.PartnerService/RegisterPartner', '086dfed8974603517c4d3660140a7daaadde55ecac101d67510d10ddc916a800', '\x0a300a0c4e4154494f4e414c5f4150501218e59bbde5aeb6e58cbbe4bf9de69c8de58aa1e5b9b3e58fb01802200138014200', 1781056803555799, '\x', ''),
	('operator:bootstrap', 'seed-39b020ac26d4fd80ccf74c97b0e4901a3bd156cb', '/yibao.identity.v1.PartnerService/IssueApiKey', '88556fa4e55a38b78508a1e0dfe8a660875eabf3e13261a687b0f9c8d5c2139a', '\x3137383130353638303336303639323638343730', 1781056803605747, '\x', 'a1dc9ab49362bbf996adf40cf27c8282eaae6a60be50e5280dd2ce3187dddcfa'),
	('operator:bootstrap', 'seed-a050069d5f584d82c13be89e8aaab883c0a51607', '/yibao.identity.v1.PartnerService/IssueApiKey', 'e6f64971654b599a5c1fda11b8237e442fd13179aa47718cf68014ffb5127451', '\x3137383130353638303336353437313635323435', 1781056803653822, '\x', 'a0cb3ccb22f115f457743f72cfa7bab1186b3eabbadf91a5eeaa8e049dca1c96'),
	('operator:bootstrap', 'seed-ac7a7106ad0233487c7172ad532613fad04effaf', '/yibao.identity.v1.PartnerService/IssueApiKey', '8b6621e4c1e848d6a0d5e97c85749130182560ac9d7d36ae0e497330b2d5b612', '\x3137383130353638303337303139343337363736', 1781056803701187, '\x', '5649d5856efafa881dcf0b894a27dd5b8ff8a2903dd35e4256a6768ec8a5a7c8'),
	('operator:bootstrap', 'seed-39d5b8b33701bef474b6084f10cd7f52c1a22d51', '/yibao.identity.v1.PartnerService/IssueApiKey', '5da2dc771a8af75a15b61c037275eb7266a9a96243247e023dfd538d16965f17', '\x3137383130353638303337353430363933383538', 1781056803753228, '\x', 'cad3f260d6529d40517e98a530831042244ee6e0264a85d5d7fdf65e1d79fe93'),
	('operator:bootstrap', 'seed-b2e6b212f129cc506b41345f7bbbbb69b1414c1e', '/yibao.identity.v1.PersonService/RegisterPersons', 'a5f07ec1f956b7e22c4b24c106dd056a76e4cba341d92d4cd89321e305eb2ab1', '\x080f', 1781056803806267, '\x', ''),
	('operator:OP990100', 'newcomers-from-1000', '/yibao.identity.v1.PersonService/RegisterPersons', '90ca8631d94d05df213aec3e6d7c44060013852ee509802dae497e027a308ed1', '\x0801', 1781056804065970, '\x', ''),
	('H99010000001', '9001:H99010000001202606101000040001', '/yibao.identity.v1.PartnerService/SignIn', '8d2bbeb58df22c96779109bc9866b25b37e6ae007f93c8b22e076c448d9ff3a7', '\x0a230a0b08a48aa3d10610c8f5d92612143137383130353638303430383139313032373738', 1781056804081165, '\x', ''),
	('H99010000001', '9002:H99010000001202606101000050020', '/yibao.identity.v1.PartnerService/SignOut', '06ccbb2204887c4a67925713e7c59668240f23390f3f257d5a54675a08639535', '\x0a0c08a58aa3d10610b882ecff02', 1781056805804979, '\x', ''),
	('operator:OP990100', 'newcomers-from-1001', '/yibao.identity.v1.PersonService/RegisterPersons', 'a712a4de0206b8e3ea589ad00840415f78346e32322b87994246e6ff3c35d0fe', '\x0801', 1781056805858051, '\x', ''),
	('H99010000001', '9001:H99010000001202606101000050021', '/yibao.identity.v1.PartnerService/SignIn', '8d2bbeb58df22c96779109bc9866b25b37e6ae007f93c8b22e076c448d9ff3a7', '\x0a240a0c08a58aa3d10610b0d3f2c30312143137383130353638303539343836343036323736', 1781056805947694, '\x', ''),
	('operator:OP990100', 'newcomers-from-1002', '/yibao.identity.v1.PersonService/RegisterPersons', '6be12eac52ab4c921bd17b877d086146e3870c75695c6622f428905475e90218', '\x0801', 1781056806910718, '\x', ''),
	('NATIONAL_APP', 'activate-38', '/yibao.identity.v1.CredentialService/ActivateCredential', '69fd4def5e536b5856b699feeb4469b21bec289efcd2954db098846c9c1ff80a', '\x0a1431373831303536383036393434313134363431371210393930313030303030303030313030321a0c08a68aa3d10610b0e2f6c003', 1781056806941470, '\x', ''),
	('H99010000001', '6101:H99010000001202606101000070039', '/yibao.identity.v1.CredentialService/DecodeCode', 'a13616fd6e9413386763b934720291b6e08cd0eb1bf5cbd793f5d5669437cbe6', '\x0a630a09e6b58be4bfa6e587a012123939303030303139303130363135323032391a0230312a06393930313030321431373831303536383037303735363539333939333a1431373831303536383036393434313134363431374201314a0708bc0f1006180f', 1781056807057055, '\x3ebab86432b5124660f8bb462fb8ecb4', '5680780e5b5bf7d54156d1e630765337cc994c9977e0479968f6655fdd0065dd'),
	('operator:OP990100', 'newcomers-from-1003', '/yibao.identity.v1.PersonService/RegisterPersons', 'e2f73e7e2b1ab75cd614438ad24af08985ead0cef2364d113e965e7fdd97441f', '\x0801', 1781056807512682, '\x', ''),
	('operator:OP990100', 'newcomers-from-1004', '/yibao.identity.v1.PersonService/RegisterPersons', '3e08716aeccb55c23f3cee527fc5b518c04a98a81e49fc6ddf401c9f10accb95', '\x0803', 1781056808853934, '\x', ''),
	('operator:OP990100', 'newcomers-from-1007', '/yibao.identity.v1.PersonService/RegisterPersons', 'a624f47f5a5156a99709cbc2b3b3231ac76fd6251e42d6ecf430f887b14d58ea', '\x0801', 1781056809778324, '\x', ''),
	('operator:OP990100', 'newcomers-from-1008', '/yibao.identity.v1.PersonService/RegisterPersons', '9c1aaa3414456a9c19fb726471ed6fdf965a62f2799269ada26c5033d0c238f0', '\x0801', 1781056810671726, '\x', ''),
	('NATIONAL_APP', 'activate-105', '/yibao.identity.v1.CredentialService/ActivateCredential', 'ed893d70bea35c585a3b7b0442b8a13197d94a09479d2f97c8f81d5a1fda7223', '\x0a1431373831303536383130363835303038303737301210393930313030303030303030313030381a0c08aa8aa3d10610c8cccbc502', 1781056810682813, '\x', ''),
	('NATIONAL_APP', 'activate-106', '/yibao.identity.v1.CredentialService/ActivateCredential', 'ed893d70bea35c585a3b7b0442b8a13197d94a09479d2f97c8f81d5a1fda7223', '\x0a1431373831303536383130363835303038303737301210393930313030303030303030313030381a0c08aa8aa3d10610c8cccbc502', 1781056810788044, '\x', ''),
	('H99010000001', '6101:H99010000001202606101000100107', '/yibao.identity.v1.CredentialService/DecodeCode', '89867756ce3950cad369d554cf2940dbb21b4767342f265e4d5e3a6fff0a79d8', '\x0a630a09e6b58be4bfa6e589aa12123939303030303139303130363135323038381a0230312a06393930313030321431373831303536383130393230373333323533303a1431373831303536383130363835303038303737304201314a0708bc0f1006180f', 1781056810896735, '\x7fdca10ea33c95bc34328ea726ce34f0', 'd60e6687308e08173fdb87ab6cda5daeda42789c41e0d593ff8e995647dc94ae'),
	('H99010000001', '9001:H99010000001202606101000110108', '/yibao.identity.v1.PartnerService/SignIn', 'fbe3b09ed78d3d4aaa799030f599414d3f9062419d0e99594eb19e632edc370a', '\x0a230a0b08ab8aa3d10610c0e1a02912143137383130353638313130383733363433373937', 1781056811086520, '\x', ''),
	('operator:bootstrap', 'revise-1', '/yibao.identity.v1.PersonService/ReviseEnrolment', 'd2fe767d057cee2424e4e87792ee5b9a500299ac2dca7d0e11e53767a918721f', '\x0ac0010a520a10393930313030303030303030313030381209e6b58be4bfa6e589aa1a02303122123939303030303139303130363135323038382a0131320230313a0708bc0f1006180f420b433939303030303130303812420a0333313012063939303130301a0231312201312a06616374697665320708df0f100118013a0708ea0f1006181e5212e6b58be8af95e794a8e4babae58d95e4bd8d12260a0333313012063939303130301a0231322201312a0772657469726564320708ea0f10071801', 1781056811140311, '\x', ''),
	('operator:bootstrap', 'key-1', '/yibao.identity.v1.PartnerService/IssueApiKey', '8cd4d7b7225483e68a800ee572257e103ba4a8c2764d87ad261067e0953d363a', '\x3137383130353638313131393838333431343035', 1781056811196284, '\x02a2f2a8f72c0048f9922ed307cd5839', 'defe901e1979f1c3dd1ea7d836e00eaa92a4dde70c165e7f06d97ac6d8d72090');


--
-- Data for Name: family_link; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.family_link VALUES
	('33010000000000000401', 0, '33010000000000000402', '310', '2024-01-01', NULL);


--
-- Data for Name: identity_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.identity_version VALUES
	('0002', '0.1.0', 1781056800118916, '3fc518ec52f9e476cdd437ced8c77e09046009bd8fb8f7539e96f8b1039d5f27');


--
-- Data for Name: partner; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.partner VALUES
	('H99010000001', '测试医院', 'institution', 'none', NULL, '', NULL, true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803141707),
	('H99010000002', '测试二级医院', 'institution', 'csb', 'test-ak', 'test-sk', NULL, true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803198304),
	('H99010000003', '测试一级医院', 'institution', 'tif', 'test-paasid', 'test-tif-secret', NULL, true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803246540),
	('P99010000001', '测试药店', 'institution', 'api_key', NULL, '', 'af9a83948a492fd19b9ae94b2ac69ac67b5d5c68ee67d1967c8f920a311c5905', true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803294239),
	('H11010100901', '京华示范医院', 'institution', 'none', NULL, '', NULL, true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803342174),
	('H37010200901', '泉城示范医院', 'institution', 'none', NULL, '', NULL, true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803389502),
	('H36010200901', '洪城示范医院', 'institution', 'none', NULL, '', NULL, true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803445052),
	('H33010600902', '杭州测试医院', 'institution', 'none', NULL, '', NULL, true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803499718),
	('NATIONAL_APP', '国家医保服务平台', 'channel', 'none', NULL, '', NULL, true, '{"answers_in_gbk":false,"bare_array_5204":false,"infcode_as_text":false,"lenient_warnings":null,"null_output":false,"strict":false,"strict_sign_no":false}', '[]', 1781056803555799);


--
-- Data for Name: person; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.person VALUES
	('99000000000000000001', '测试人员', '01', '990000199001010011', '1', '01', '1990-01-01', 'C00000001', ''),
	('11000000000000000101', '京测甲', '01', '990000198003151011', '1', '01', '1980-03-15', 'C00000101', ''),
	('11000000000000000102', '京测乙', '01', '990000195208201023', '2', '01', '1952-08-20', 'C00000102', ''),
	('11000000000000000103', '京测丙', '01', '990000197511021032', '2', '01', '1975-11-02', 'C00000103', ''),
	('37010000000000000201', '济测甲', '01', '990000197905062013', '1', '01', '1979-05-06', 'C00000201', ''),
	('37010000000000000202', '济测乙', '01', '990000198612242023', '2', '01', '1986-12-24', 'C00000202', ''),
	('36010000000000000301', '昌测甲', '01', '990000197104183018', '1', '01', '1971-04-18', 'C00000301', ''),
	('33010000000000000402', '杭测乙', '01', '990000198309304025', '2', '01', '1983-09-30', 'C00000402', ''),
	('11000000000000000901', '停测甲', '01', '990000198801099019', '1', '01', '1988-01-09', 'C00000901', ''),
	('11000000000000000902', '止测乙', '01', '990000198802099029', '2', '01', '1988-02-09', 'C00000902', ''),
	('99000000000000000801', 'TEST VISITOR', '08', 'E99000801', '1', '99', '1985-04-12', 'C00000801', ''),
	('99000000000000000802', '港测乙', '04', 'H99000802', '2', '01', '1979-10-30', 'C00000802', ''),
	('99000000000000000803', 'OTHER VISITOR', '08', 'H99000802', '1', '99', '1981-06-02', 'C00000803', ''),
	('99000000000000000804', '测试·丙', '01', '990000198207158041', '1', '05', '1982-07-15', 'C00000804', ''),
	('33010000000000000401', '杭测甲', '01', '990000198102114013', '1', '01', '1981-02-11', 'C00000401', ''),
	('9901000000001000', '测俦冲', '01', '990000190106152002', '1', '01', '1980-06-15', 'C9900001000', ''),
	('9901000000001001', '测俦凉', '01', '990000190106152010', '1', '01', '1980-06-15', 'C9900001001', ''),
	('9901000000001002', '测俦几', '01', '990000190106152029', '1', '01', '1980-06-15', 'C9900001002', ''),
	('9901000000001003', '测俦凷', '01', '990000190106152037', '1', '01', '1980-06-15', 'C9900001003', ''),
	('9901000000001004', '测俦刎', '01', '990000190106152045', '1', '01', '1980-06-15', 'C9900001004', ''),
	('9901000000001005', '测俦別', '01', '990000190106152053', '1', '01', '1980-06-15', 'C9900001005', ''),
	('9901000000001006', '测俦刼', '01', '990000190106152061', '1', '01', '1980-06-15', 'C9900001006', ''),
	('9901000000001007', '测俦剓', '01', '99000019010615207X', '1', '01', '1980-06-15', 'C9900001007', ''),
	('9901000000001008', '测俦剪', '01', '990000190106152088', '1', '01', '1980-06-15', 'C9900001008', '');


--
-- Data for Name: person_identity; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.person_identity VALUES
	('37010000000000000202', 0, '2303', 'dibao', '2020-01-01', NULL, '', ''),
	('36010000000000000301', 0, '2303', 'dibao', '2020-01-01', NULL, '', ''),
	('99000000000000000804', 0, '2308', '', '2020-01-01', NULL, '残疾证', '2');


--
-- Data for Name: sign_in; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.sign_in VALUES
	('17810568040819102778', 'H99010000001', '0001', '00-00-00-00-00-00', '127.0.0.1', 1781056804081165, 1781056805804979),
	('17810568059486406276', 'H99010000001', '0001', '00-00-00-00-00-00', '127.0.0.1', 1781056805947694, NULL),
	('17810568110873643797', 'H99010000001', '0002', '00-00-00-00-00-00', '127.0.0.1', 1781056811086520, NULL);


--
-- Name: api_key api_key_key_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_key_id_key UNIQUE (key_id);


--
-- Name: api_key api_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.api_key
    ADD CONSTRAINT api_key_pkey PRIMARY KEY (key_digest);


--
-- Name: credential credential_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_pkey PRIMARY KEY (credential_id);


--
-- Name: credential credential_psn_no_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_psn_no_key UNIQUE (psn_no);


--
-- Name: ec_code ec_code_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ec_code
    ADD CONSTRAINT ec_code_pkey PRIMARY KEY (code_digest);


--
-- Name: ec_token ec_token_code_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ec_token
    ADD CONSTRAINT ec_token_code_digest_key UNIQUE (code_digest);


--
-- Name: ec_token ec_token_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ec_token
    ADD CONSTRAINT ec_token_pkey PRIMARY KEY (token_digest);


--
-- Name: enrolment enrolment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.enrolment
    ADD CONSTRAINT enrolment_pkey PRIMARY KEY (psn_no, insutype, from_day);


--
-- Name: entry entry_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.entry
    ADD CONSTRAINT entry_pkey PRIMARY KEY (scope, request_id);


--
-- Name: family_link family_link_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.family_link
    ADD CONSTRAINT family_link_pkey PRIMARY KEY (psn_no, row_no);


--
-- Name: identity_version identity_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.identity_version
    ADD CONSTRAINT identity_version_pkey PRIMARY KEY (version_num);


--
-- Name: partner partner_access_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.partner
    ADD CONSTRAINT partner_access_key_key UNIQUE (access_key);


--
-- Name: partner partner_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.partner
    ADD CONSTRAINT partner_pkey PRIMARY KEY (partner_code);


--
-- Name: partner partner_secret_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.partner
    ADD CONSTRAINT partner_secret_digest_key UNIQUE (secret_digest);


--
-- Name: person person_card_no_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_card_no_key UNIQUE (card_no);


--
-- Name: person person_certno_psn_cert_type_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_certno_psn_cert_type_key UNIQUE (certno, psn_cert_type);


--
-- Name: person_identity person_identity_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.person_identity
    ADD CONSTRAINT person_identity_pkey PRIMARY KEY (psn_no, row_no);


--
-- Name: person person_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.person
    ADD CONSTRAINT person_pkey PRIMARY KEY (psn_no);


--
-- Name: sign_in sign_in_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sign_in
    ADD CONSTRAINT sign_in_pkey PRIMARY KEY (sign_no);


--
-- Name: api_key_holder; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX api_key_holder ON public.api_key USING btree (role, subject, key_id);


--
-- Name: ec_code_one_shown; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX ec_code_one_shown ON public.ec_code USING btree (psn_no) WHERE (state = 'shown'::text);


--
-- Name: ec_code_person; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ec_code_person ON public.ec_code USING btree (psn_no, expires_at);


--
-- Name: ec_token_person; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ec_token_person ON public.ec_token USING btree (psn_no, expires_at);


--
-- Name: credential credential_psn_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.credential
    ADD CONSTRAINT credential_psn_no_fkey FOREIGN KEY (psn_no) REFERENCES public.person(psn_no);


--
-- Name: ec_code ec_code_psn_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ec_code
    ADD CONSTRAINT ec_code_psn_no_fkey FOREIGN KEY (psn_no) REFERENCES public.person(psn_no);


--
-- Name: ec_token ec_token_psn_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ec_token
    ADD CONSTRAINT ec_token_psn_no_fkey FOREIGN KEY (psn_no) REFERENCES public.person(psn_no);


--
-- Name: enrolment enrolment_psn_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.enrolment
    ADD CONSTRAINT enrolment_psn_no_fkey FOREIGN KEY (psn_no) REFERENCES public.person(psn_no);


--
-- Name: family_link family_link_owner_psn_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.family_link
    ADD CONSTRAINT family_link_owner_psn_no_fkey FOREIGN KEY (owner_psn_no) REFERENCES public.person(psn_no);


--
-- Name: family_link family_link_psn_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.family_link
    ADD CONSTRAINT family_link_psn_no_fkey FOREIGN KEY (psn_no) REFERENCES public.person(psn_no);


--
-- Name: person_identity person_identity_psn_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.person_identity
    ADD CONSTRAINT person_identity_psn_no_fkey FOREIGN KEY (psn_no) REFERENCES public.person(psn_no);


--
-- PostgreSQL database dump complete
--


