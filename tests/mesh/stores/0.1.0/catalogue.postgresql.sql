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
-- Name: catalogue_version; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.catalogue_version (
    version_num text NOT NULL,
    release text DEFAULT ''::text NOT NULL,
    upgraded_at bigint DEFAULT '0'::bigint NOT NULL,
    compared text DEFAULT ''::text NOT NULL
);


--
-- Name: disease; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.disease (
    dise_codg text NOT NULL,
    dise_name text NOT NULL,
    disease text NOT NULL,
    chronic_class text NOT NULL,
    admdvs text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT disease_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Name: division; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.division (
    admdvs text NOT NULL,
    name text NOT NULL,
    parent_admdvs text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT division_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Name: institution; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.institution (
    fixmedins_code text NOT NULL,
    fixmedins_name text NOT NULL,
    uscc text NOT NULL,
    fixmedins_type text NOT NULL,
    hosp_lv text NOT NULL,
    lmtpric_hosp_lv text NOT NULL,
    policy_hosp_lv text NOT NULL,
    admdvs text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT institution_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Name: item; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.item (
    med_list_codg text NOT NULL,
    list_type text NOT NULL,
    item_name text NOT NULL,
    chrgitm_lv text NOT NULL,
    med_chrgitm_type text NOT NULL,
    spec text NOT NULL,
    dosform_name text NOT NULL,
    unit text NOT NULL,
    lmt_used_flag boolean NOT NULL,
    bas_medn_flag boolean NOT NULL,
    hi_nego_drug_flag boolean NOT NULL,
    selfpay_e4 bigint NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT item_class CHECK ((chrgitm_lv = ANY (ARRAY['01'::text, '02'::text, '03'::text]))),
    CONSTRAINT item_days CHECK (((to_day IS NULL) OR (to_day >= from_day))),
    CONSTRAINT item_share CHECK (((selfpay_e4 >= 0) AND (selfpay_e4 <= 10000)))
);


--
-- Name: local_med_type; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.local_med_type (
    local_med_type text NOT NULL,
    name text NOT NULL,
    med_type text NOT NULL,
    admdvs text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT local_med_type_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Name: policy; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.policy (
    policy_id text NOT NULL,
    version text NOT NULL,
    title text NOT NULL,
    admdvs text NOT NULL,
    insutype text NOT NULL,
    kind text NOT NULL,
    version_on text NOT NULL,
    policy_hash text NOT NULL,
    document_json text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT policy_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Name: price_ceiling; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.price_ceiling (
    med_list_codg text NOT NULL,
    admdvs text NOT NULL,
    lmtpric_hosp_lv text NOT NULL,
    pric_uplmt_e6 bigint NOT NULL,
    from_day text NOT NULL,
    to_day text,
    hosp_bear boolean NOT NULL,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT price_ceiling_amount CHECK ((pric_uplmt_e6 >= 0)),
    CONSTRAINT price_ceiling_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Name: publication; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.publication (
    seq bigint NOT NULL,
    scope text NOT NULL,
    request_id text NOT NULL,
    content_hash text NOT NULL,
    head text NOT NULL,
    response bytea NOT NULL,
    published_at bigint NOT NULL
);


--
-- Name: selfpay_ratio; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.selfpay_ratio (
    med_list_codg text NOT NULL,
    admdvs text NOT NULL,
    hosp_lv text NOT NULL,
    selfpay_e4 bigint NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT selfpay_ratio_days CHECK (((to_day IS NULL) OR (to_day >= from_day))),
    CONSTRAINT selfpay_ratio_share CHECK (((selfpay_e4 >= 0) AND (selfpay_e4 <= 10000)))
);


--
-- Name: stack; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.stack (
    admdvs text NOT NULL,
    insutype text NOT NULL,
    policy_ids text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT stack_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Name: term; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.term (
    standard text NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    from_day text NOT NULL,
    to_day text,
    published_in bigint NOT NULL,
    closed_in bigint,
    CONSTRAINT term_days CHECK (((to_day IS NULL) OR (to_day >= from_day)))
);


--
-- Data for Name: catalogue_version; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.catalogue_version VALUES
	('0002', '0.1.0', 1781056800665062, '401b2d70b0e3065ced7af489e447dd38cf36aa9ef3e28b249e5d31ad2f65eb1c');


--
-- Data for Name: disease; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.disease VALUES
	('M03900', '高血压病', '', '', '000000', '2020-01-01', NULL, 8, NULL),
	('M01600', '糖尿病', '', '', '000000', '2020-01-01', NULL, 8, NULL),
	('M07803', '慢性肾功能不全(血透治疗)', '', '', '000000', '2020-01-01', NULL, 8, NULL),
	('M00503', '恶性肿瘤放化疗', 'cancer_chemo', '', '000000', '2020-01-01', NULL, 8, NULL),
	('M12100', '新冠肺炎出院患者门诊康复治疗', '', '', '000000', '2020-01-01', NULL, 8, NULL),
	('M03900', '高血压病', '', 'II', '360000', '2023-01-01', NULL, 8, NULL),
	('M01600', '糖尿病', '', 'II', '360000', '2023-01-01', NULL, 8, NULL),
	('M07803', '慢性肾功能不全(血透治疗)', '', 'I', '360000', '2023-01-01', NULL, 8, NULL),
	('M00503', '恶性肿瘤放化疗', 'cancer_chemo', 'I', '360000', '2023-01-01', NULL, 8, NULL),
	('M99001', '精神分裂症(测试病种)', 'psychiatric', 'I', '990100', '2020-01-01', NULL, 8, NULL),
	('M99001', '精神分裂症(测试病种)', 'psychiatric', 'I', '360000', '2020-01-01', NULL, 8, NULL),
	('M99002', '恶性肿瘤放化疗(测试病种)', 'cancer_chemo', 'I', '990100', '2020-01-01', NULL, 8, NULL),
	('M99002', '恶性肿瘤放化疗(测试病种)', 'cancer_chemo', 'I', '360000', '2020-01-01', NULL, 8, NULL),
	('M99003', '高血压(测试病种)', 'none', 'II', '990100', '2020-01-01', NULL, 8, NULL),
	('M99003', '高血压(测试病种)', 'none', 'II', '360000', '2020-01-01', NULL, 8, NULL);


--
-- Data for Name: division; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.division VALUES
	('000000', '全国', '', '2000-01-01', NULL, 1, NULL),
	('110000', '北京市', '000000', '2000-01-01', NULL, 1, NULL),
	('110101', '东城区', '110000', '2000-01-01', NULL, 1, NULL),
	('110105', '朝阳区', '110000', '2000-01-01', NULL, 1, NULL),
	('110108', '海淀区', '110000', '2000-01-01', NULL, 1, NULL),
	('119900', '北京市市本级', '110000', '2000-01-01', NULL, 1, NULL),
	('120000', '天津市', '000000', '2000-01-01', NULL, 1, NULL),
	('130000', '河北省', '000000', '2000-01-01', NULL, 1, NULL),
	('131100', '衡水市', '130000', '2000-01-01', NULL, 1, NULL),
	('150000', '内蒙古自治区', '000000', '2000-01-01', NULL, 1, NULL),
	('152500', '锡林郭勒盟', '150000', '2000-01-01', NULL, 1, NULL),
	('310000', '上海市', '000000', '2000-01-01', NULL, 1, NULL),
	('310101', '黄浦区', '310000', '2000-01-01', NULL, 1, NULL),
	('330000', '浙江省', '000000', '2000-01-01', NULL, 1, NULL),
	('330100', '杭州市', '330000', '2000-01-01', NULL, 1, NULL),
	('330102', '上城区', '330100', '2000-01-01', NULL, 1, NULL),
	('330106', '西湖区', '330100', '2000-01-01', NULL, 1, NULL),
	('350000', '福建省', '000000', '2000-01-01', NULL, 1, NULL),
	('350100', '福州市', '350000', '2000-01-01', NULL, 1, NULL),
	('350102', '鼓楼区', '350100', '2000-01-01', NULL, 1, NULL),
	('360000', '江西省', '000000', '2000-01-01', NULL, 1, NULL),
	('360100', '南昌市', '360000', '2000-01-01', NULL, 1, NULL),
	('360102', '东湖区', '360100', '2000-01-01', NULL, 1, NULL),
	('360103', '西湖区', '360100', '2000-01-01', NULL, 1, NULL),
	('360104', '青云谱区', '360100', '2000-01-01', NULL, 1, NULL),
	('360111', '青山湖区', '360100', '2000-01-01', NULL, 1, NULL),
	('360199', '南昌市市本级', '360100', '2000-01-01', NULL, 1, NULL),
	('369900', '江西省省本级', '360000', '2000-01-01', NULL, 1, NULL),
	('370000', '山东省', '000000', '2000-01-01', NULL, 1, NULL),
	('370100', '济南市', '370000', '2000-01-01', NULL, 1, NULL),
	('370102', '历下区', '370100', '2000-01-01', NULL, 1, NULL),
	('370103', '市中区', '370100', '2000-01-01', NULL, 1, NULL),
	('370104', '槐荫区', '370100', '2000-01-01', NULL, 1, NULL),
	('370105', '天桥区', '370100', '2000-01-01', NULL, 1, NULL),
	('370199', '济南市市本级', '370100', '2000-01-01', NULL, 1, NULL),
	('379900', '山东省省本级', '370000', '2000-01-01', NULL, 1, NULL),
	('420000', '湖北省', '000000', '2000-01-01', NULL, 1, NULL),
	('420100', '武汉市', '420000', '2000-01-01', NULL, 1, NULL),
	('420102', '江岸区', '420100', '2000-01-01', NULL, 1, NULL),
	('440000', '广东省', '000000', '2000-01-01', NULL, 1, NULL),
	('440100', '广州市', '440000', '2000-01-01', NULL, 1, NULL),
	('440104', '越秀区', '440100', '2000-01-01', NULL, 1, NULL),
	('440300', '深圳市', '440000', '2000-01-01', NULL, 1, NULL),
	('440305', '南山区', '440300', '2000-01-01', NULL, 1, NULL),
	('500000', '重庆市', '000000', '2000-01-01', NULL, 1, NULL),
	('500103', '渝中区', '500000', '2000-01-01', NULL, 1, NULL),
	('510000', '四川省', '000000', '2000-01-01', NULL, 1, NULL),
	('510100', '成都市', '510000', '2000-01-01', NULL, 1, NULL),
	('510104', '锦江区', '510100', '2000-01-01', NULL, 1, NULL),
	('510105', '青羊区', '510100', '2000-01-01', NULL, 1, NULL);
INSERT INTO public.division VALUES
	('510106', '金牛区', '510100', '2000-01-01', NULL, 1, NULL),
	('610000', '陕西省', '000000', '2000-01-01', NULL, 1, NULL),
	('611000', '商洛市', '610000', '2000-01-01', NULL, 1, NULL),
	('990000', '沙箱省', '000000', '2000-01-01', NULL, 1, NULL),
	('990100', '沙箱市', '990000', '2000-01-01', NULL, 1, NULL),
	('990199', '沙箱市市本级', '990100', '2000-01-01', NULL, 1, NULL);


--
-- Data for Name: institution; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.institution VALUES
	('H11010100901', '京华示范医院', '12990100MB0000001P', '1', '2', '3', '', '110101', '2020-01-01', NULL, 2, NULL),
	('H11010500902', '京东测试医院', '12990100MB0000002T', '1', '5', '2', '', '110105', '2020-01-01', NULL, 2, NULL),
	('H11010800903', '学院路示范社区卫生服务中心', '12990100MB0000003X', '1', '11', '1', 'community', '110108', '2020-01-01', NULL, 2, NULL),
	('P11010100901', '京华示范大药房', '12990100MB00000041', '2', '', '', '', '110101', '2020-01-01', NULL, 2, NULL),
	('P11010500902', '京东示范药房', '12990100MB00000054', '2', '', '', '', '110105', '2020-01-01', NULL, 2, NULL),
	('H37010200901', '泉城示范医院', '12990100MB00000067', '1', '2', '3', '', '370102', '2020-01-01', NULL, 2, NULL),
	('H37010300902', '济南测试医院', '12990100MB0000007A', '1', '6', '2', '', '370103', '2020-01-01', NULL, 2, NULL),
	('H37010500903', '天桥示范医院', '12990100MB0000008D', '1', '8', '1', '', '370105', '2020-01-01', NULL, 2, NULL),
	('H37010200904', '泉城示范社区卫生服务站', '12990100MB0000009G', '1', '11', '1', 'community', '370102', '2020-01-01', NULL, 2, NULL),
	('P37010200901', '泉城示范大药房', '12990100MB0000010M', '2', '', '', '', '370102', '2020-01-01', NULL, 2, NULL),
	('P37010300902', '济南示范药房', '12990100MB0000011Q', '2', '', '', '', '370103', '2020-01-01', NULL, 2, NULL),
	('H36010200901', '洪城示范医院', '12990100MB0000012U', '1', '2', '3', '', '360102', '2020-01-01', NULL, 2, NULL),
	('H36010300902', '南昌测试医院', '12990100MB0000013Y', '1', '5', '2', '', '360103', '2020-01-01', NULL, 2, NULL),
	('H36011100903', '青山湖示范社区卫生服务中心', '12990100MB00000142', '1', '11', '1', 'community', '360111', '2020-01-01', NULL, 2, NULL),
	('P36010200901', '洪城示范大药房', '12990100MB00000155', '2', '', '', '', '360102', '2020-01-01', NULL, 2, NULL),
	('P36010300902', '南昌示范药房', '12990100MB00000168', '2', '', '', '', '360103', '2020-01-01', NULL, 2, NULL),
	('H51010400901', '锦城示范医院', '12990100MB0000017B', '1', '2', '3', '', '510104', '2020-01-01', NULL, 2, NULL),
	('H51010500902', '成都测试医院', '12990100MB0000018E', '1', '5', '2', '', '510105', '2020-01-01', NULL, 2, NULL),
	('H51010600903', '金牛示范社区卫生服务中心', '12990100MB0000019H', '1', '11', '1', 'community', '510106', '2020-01-01', NULL, 2, NULL),
	('P51010400901', '锦城示范大药房', '12990100MB0000020N', '2', '', '', '', '510104', '2020-01-01', NULL, 2, NULL),
	('P51010500902', '成都示范药房', '12990100MB0000021R', '2', '', '', '', '510105', '2020-01-01', NULL, 2, NULL),
	('H33010200901', '西湖示范医院', '12990100MB0000022W', '1', '2', '3', '', '330102', '2020-01-01', NULL, 2, NULL),
	('H33010600902', '杭州测试医院', '12990100MB00000230', '1', '5', '2', '', '330106', '2020-01-01', NULL, 2, NULL),
	('H33010600903', '西湖示范社区卫生服务中心', '12990100MB00000243', '1', '11', '1', 'community', '330106', '2020-01-01', NULL, 2, NULL),
	('P33010200901', '西湖示范大药房', '12990100MB00000256', '2', '', '', '', '330102', '2020-01-01', NULL, 2, NULL),
	('P33010600902', '杭州示范药房', '12990100MB00000269', '2', '', '', '', '330106', '2020-01-01', NULL, 2, NULL),
	('H31010100901', '浦江示范医院', '12990100MB0000027C', '1', '2', '3', '', '310101', '2020-01-01', NULL, 2, NULL),
	('H42010200901', '江城示范医院', '12990100MB0000028F', '1', '2', '3', '', '420102', '2020-01-01', NULL, 2, NULL),
	('H44010400901', '羊城示范医院', '12990100MB0000029J', '1', '2', '3', '', '440104', '2020-01-01', NULL, 2, NULL),
	('H44030500901', '鹏城示范医院', '12990100MB0000030P', '1', '2', '3', '', '440305', '2020-01-01', NULL, 2, NULL),
	('H35010200901', '榕城示范医院', '12990100MB0000031T', '1', '2', '3', '', '350102', '2020-01-01', NULL, 2, NULL),
	('H50010300901', '山城示范医院', '12990100MB0000032X', '1', '2', '3', '', '500103', '2020-01-01', NULL, 2, NULL),
	('H99010000001', '测试医院', '12990100MB00000331', '1', '2', '3', '', '990100', '2000-01-01', NULL, 2, NULL),
	('H99010000002', '测试二级医院', '12990100MB00000344', '1', '5', '2', '', '990100', '2000-01-01', NULL, 2, NULL),
	('H99010000003', '测试一级医院', '12990100MB00000357', '1', '8', '1', '', '990100', '2000-01-01', NULL, 2, NULL),
	('H99010000004', '测试社区卫生服务中心', '12990100MB0000036A', '1', '11', '1', 'community', '990100', '2000-01-01', NULL, 2, NULL),
	('P99010000001', '测试药店', '12990100MB0000037D', '2', '', '', '', '990100', '2000-01-01', NULL, 2, NULL),
	('P99010000002', '测试便民药店', '12990100MB0000038G', '2', '', '', '1', '990100', '2000-01-01', NULL, 2, NULL);


--
-- Data for Name: item; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.item VALUES
	('XJ01CAA901C001010199001', '101', '阿莫西林胶囊', '01', '09', '0.25g×24粒', '胶囊剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XJ01CRA901A001010199002', '101', '阿莫西林克拉维酸钾片', '02', '09', '0.375g×6片', '片剂', '盒', false, true, false, 500, '2023-01-01', NULL, 3, NULL),
	('XJ01DCA901A001010199003', '101', '头孢呋辛酯片', '01', '09', '0.25g×12片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XJ01DDA901B001010199004', '101', '注射用头孢曲松钠', '01', '09', '1.0g', '注射剂', '支', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XJ01DDA902A001010199005', '101', '头孢克肟分散片', '02', '09', '0.1g×6片', '片剂', '盒', false, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XJ01DDA903B001010199006', '101', '注射用头孢他啶', '02', '09', '1.0g', '注射剂', '支', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XJ01FAA901A001010199007', '101', '阿奇霉素片', '01', '09', '0.25g×6片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XJ01FAA902A001010199008', '101', '克拉霉素片', '02', '09', '0.25g×8片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XJ01MAA901A001010199009', '101', '左氧氟沙星片', '01', '09', '0.5g×4片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XJ01MAA902A001010199010', '101', '莫西沙星片', '02', '09', '0.4g×3片', '片剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XJ01XDA901A001010199011', '101', '甲硝唑片', '01', '09', '0.2g×21片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XJ01DHA901B001010199012', '101', '注射用美罗培南', '02', '09', '0.5g', '注射剂', '支', true, false, false, 2000, '2023-01-01', NULL, 3, NULL),
	('XJ02ACA901C001010199013', '101', '氟康唑胶囊', '02', '09', '50mg×7粒', '胶囊剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XJ05AFA901A001010199014', '101', '恩替卡韦分散片', '02', '09', '0.5mg×28片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XJ05AHA901C001010199015', '101', '磷酸奥司他韦胶囊', '02', '09', '75mg×10粒', '胶囊剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA02BCA901C001010199016', '101', '奥美拉唑肠溶胶囊', '01', '09', '20mg×14粒', '胶囊剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA02BCA902A001010199017', '101', '泮托拉唑钠肠溶片', '02', '09', '40mg×7片', '片剂', '盒', false, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA02BCA903B001010199018', '101', '注射用艾司奥美拉唑钠', '02', '09', '40mg', '注射剂', '支', true, false, false, 2000, '2023-01-01', NULL, 3, NULL),
	('XA02BAA901A001010199019', '101', '法莫替丁片', '01', '09', '20mg×24片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA02BXA901A001010199020', '101', '铝碳酸镁咀嚼片', '02', '09', '0.5g×20片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA03FAA901A001010199021', '101', '多潘立酮片', '01', '09', '10mg×30片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA03FAA902A001010199022', '101', '枸橼酸莫沙必利片', '02', '09', '5mg×24片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA03BBA901A001010199023', '101', '消旋山莨菪碱片', '01', '09', '5mg×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA07BCA901P001010199024', '101', '蒙脱石散', '01', '09', '3g×10袋', '散剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA07FAA901C001010199025', '101', '双歧杆菌三联活菌胶囊', '02', '09', '0.21g×24粒', '胶囊剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA06ADA901L001010199026', '101', '乳果糖口服溶液', '02', '09', '100ml', '口服液体剂', '瓶', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA10BAA901A001010199027', '101', '盐酸二甲双胍片', '01', '09', '0.5g×20片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA10BBA901A001010199028', '101', '格列美脲片', '01', '09', '2mg×15片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA10BFA901A001010199029', '101', '阿卡波糖片', '01', '09', '50mg×30片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA10BHA901A001010199030', '101', '磷酸西格列汀片', '02', '09', '100mg×7片', '片剂', '盒', true, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA10BKA901A001010199031', '101', '达格列净片', '02', '09', '10mg×14片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA10BJA901B001010199032', '101', '司美格鲁肽注射液', '02', '09', '1.34mg/ml×1.5ml', '注射剂', '支', true, false, true, 2000, '2023-01-01', NULL, 3, NULL),
	('XA10AEA901B001010199033', '101', '甘精胰岛素注射液', '02', '09', '3ml:300单位', '注射剂', '支', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA10ABA901B001010199034', '101', '门冬胰岛素注射液', '02', '09', '3ml:300单位', '注射剂', '支', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA11CCA901C001010199035', '101', '骨化三醇软胶囊', '02', '09', '0.25μg×10粒', '胶囊剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XA11GAA901A001010199036', '101', '维生素C片', '01', '09', '0.1g×100片', '片剂', '瓶', true, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA12BAA901A001010199037', '101', '氯化钾缓释片', '01', '09', '0.5g×24片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XA12AAA901A001010199038', '101', '碳酸钙D3片', '02', '09', '0.6g×30片', '片剂', '瓶', true, false, false, 2000, '2023-01-01', NULL, 3, NULL),
	('XB01ACA901A001010199039', '101', '阿司匹林肠溶片', '01', '09', '100mg×30片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XB01ACA902A001010199040', '101', '硫酸氢氯吡格雷片', '01', '09', '75mg×7片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XB01ACA903A001010199041', '101', '替格瑞洛片', '02', '09', '90mg×14片', '片剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XB01ABA901B001010199042', '101', '依诺肝素钠注射液', '02', '09', '0.4ml:4000AxaIU', '注射剂', '支', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XB01AFA901A001010199043', '101', '利伐沙班片', '02', '09', '10mg×5片', '片剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XB01AAA901A001010199044', '101', '华法林钠片', '01', '09', '2.5mg×60片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XB01ADA901B001010199045', '101', '注射用阿替普酶', '02', '09', '50mg', '注射剂', '支', true, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XB02BXA901B001010199046', '101', '氨甲环酸注射液', '01', '09', '5ml:0.5g', '注射剂', '支', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XB03AAA901A001010199047', '101', '硫酸亚铁片', '01', '09', '0.3g×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XB03XAA901B001010199048', '101', '人促红素注射液', '02', '09', '1ml:3000IU', '注射剂', '支', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XB05XAA901B001010199049', '101', '氯化钠注射液', '01', '09', '250ml:2.25g', '注射剂', '袋', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XB05BAA901B001010199050', '101', '葡萄糖注射液', '01', '09', '250ml:12.5g', '注射剂', '袋', false, true, false, 0, '2023-01-01', NULL, 3, NULL);
INSERT INTO public.item VALUES
	('XB05BAA902B001010199051', '101', '脂肪乳注射液', '02', '09', '250ml:50g', '注射剂', '瓶', true, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XB05AAA901B001010199052', '101', '人血白蛋白', '02', '09', '50ml:10g', '注射剂', '瓶', true, false, false, 2000, '2023-01-01', NULL, 3, NULL),
	('XB05BAA903B001010199053', '101', '复方氨基酸注射液(18AA)', '01', '09', '250ml:12.5g', '注射剂', '瓶', true, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC01AAA901A001010199054', '101', '地高辛片', '01', '09', '0.25mg×30片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC01DAA901A001010199055', '101', '单硝酸异山梨酯缓释片', '02', '09', '40mg×20片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XC01DAA902A001010199056', '101', '硝酸甘油片', '01', '09', '0.5mg×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC01BDA901A001010199057', '101', '盐酸胺碘酮片', '01', '09', '0.2g×10片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC03AAA901A001010199058', '101', '氢氯噻嗪片', '01', '09', '25mg×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC03CAA901A001010199059', '101', '呋塞米片', '01', '09', '20mg×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC03DAA901A001010199060', '101', '螺内酯片', '01', '09', '20mg×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC07ABA901A001010199061', '101', '酒石酸美托洛尔片', '01', '09', '25mg×20片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC07ABA902A001010199062', '101', '富马酸比索洛尔片', '01', '09', '5mg×18片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC08CAA901A001010199063', '101', '苯磺酸氨氯地平片', '01', '09', '5mg×28片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC08CAA902A001010199064', '101', '硝苯地平控释片', '02', '09', '30mg×14片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XC09AAA901A001010199065', '101', '卡托普利片', '01', '09', '25mg×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC09AAA902A001010199066', '101', '依那普利片', '01', '09', '10mg×16片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC09CAA901C001010199067', '101', '缬沙坦胶囊', '01', '09', '80mg×14粒', '胶囊剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC09CAA902A001010199068', '101', '厄贝沙坦片', '02', '09', '0.15g×14片', '片剂', '盒', false, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XC09DXA901A001010199069', '101', '沙库巴曲缬沙坦钠片', '02', '09', '100mg×14片', '片剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XC10AAA901A001010199070', '101', '阿托伐他汀钙片', '01', '09', '20mg×14片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XC10AAA902A001010199071', '101', '瑞舒伐他汀钙片', '02', '09', '10mg×14片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XC10AXA901A001010199072', '101', '依折麦布片', '02', '09', '10mg×10片', '片剂', '盒', false, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XC10AXA902B001010199073', '101', '依洛尤单抗注射液', '02', '09', '1ml:140mg', '注射剂', '支', true, false, true, 2000, '2023-01-01', NULL, 3, NULL),
	('XD07ACA901G001010199074', '101', '糠酸莫米松乳膏', '02', '09', '10g:10mg', '乳膏剂', '支', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XD06AXA901G001010199075', '101', '莫匹罗星软膏', '02', '09', '5g:0.1g', '软膏剂', '支', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XD01ACA901G001010199076', '101', '联苯苄唑乳膏', '03', '09', '15g', '乳膏剂', '支', false, false, false, 10000, '2023-01-01', NULL, 3, NULL),
	('XG04CAA901C001010199077', '101', '盐酸坦索罗辛缓释胶囊', '02', '09', '0.2mg×10粒', '胶囊剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XG04CBA901A001010199078', '101', '非那雄胺片', '02', '09', '5mg×10片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XG03DAA901C001010199079', '101', '黄体酮胶囊', '01', '09', '50mg×20粒', '胶囊剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XH02ABA901A001010199080', '101', '醋酸泼尼松片', '01', '09', '5mg×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XH02ABA902A001010199081', '101', '甲泼尼龙片', '02', '09', '4mg×30片', '片剂', '盒', false, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XH03AAA901A001010199082', '101', '左甲状腺素钠片', '01', '09', '50μg×100片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XH03BBA901A001010199083', '101', '甲巯咪唑片', '01', '09', '5mg×100片', '片剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XL01XXA901B001010199084', '101', '注射用奥沙利铂', '02', '09', '50mg', '注射剂', '支', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XL01CDA901B001010199085', '101', '紫杉醇注射液', '01', '09', '5ml:30mg', '注射剂', '支', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XL01BCA901A001010199086', '101', '卡培他滨片', '02', '09', '0.5g×12片', '片剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XL01EBA901A001010199087', '101', '吉非替尼片', '02', '09', '0.25g×10片', '片剂', '盒', true, true, false, 2000, '2023-01-01', NULL, 3, NULL),
	('XL01EBA902A001010199088', '101', '甲磺酸奥希替尼片', '02', '09', '80mg×30片', '片剂', '盒', true, false, true, 2000, '2023-01-01', NULL, 3, NULL),
	('XL01FDA901B001010199089', '101', '曲妥珠单抗注射液', '02', '09', '440mg', '注射剂', '瓶', true, true, false, 2000, '2023-01-01', NULL, 3, NULL),
	('XL01FFA901B001010199090', '101', '信迪利单抗注射液', '02', '09', '10ml:100mg', '注射剂', '瓶', true, false, true, 2000, '2023-01-01', NULL, 3, NULL),
	('XL04ADA901C001010199091', '101', '他克莫司胶囊', '02', '09', '1mg×50粒', '胶囊剂', '盒', true, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XL04ABA901B001010199092', '101', '阿达木单抗注射液', '02', '09', '0.4ml:40mg', '注射剂', '支', true, false, true, 2000, '2023-01-01', NULL, 3, NULL),
	('XM01AEA901C001010199093', '101', '布洛芬缓释胶囊', '01', '09', '0.3g×20粒', '胶囊剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XM01AHA901C001010199094', '101', '塞来昔布胶囊', '02', '09', '0.2g×6粒', '胶囊剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XM04AAA901A001010199095', '101', '非布司他片', '02', '09', '40mg×14片', '片剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XM05BAA901A001010199096', '101', '阿仑膦酸钠片', '02', '09', '70mg×4片', '片剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XM01AXA901C001010199097', '101', '硫酸氨基葡萄糖胶囊', '02', '09', '0.25g×20粒', '胶囊剂', '盒', false, false, false, 3000, '2023-01-01', NULL, 3, NULL),
	('XN01BBA901B001010199098', '101', '盐酸利多卡因注射液', '01', '09', '5ml:0.1g', '注射剂', '支', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XN01AXA901B001010199099', '101', '丙泊酚中/长链脂肪乳注射液', '01', '09', '20ml:0.2g', '注射剂', '支', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XN02BEA901A001010199100', '101', '对乙酰氨基酚片', '01', '09', '0.5g×20片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL);
INSERT INTO public.item VALUES
	('XN02AXA901A001010199101', '101', '盐酸曲马多缓释片', '02', '09', '0.1g×10片', '片剂', '盒', false, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XN03AGA901A001010199102', '101', '丙戊酸钠缓释片', '01', '09', '0.5g×30片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XN04BAA901A001010199103', '101', '多巴丝肼片', '01', '09', '0.25g×40片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XN05AHA901A001010199104', '101', '奥氮平片', '01', '09', '5mg×14片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XN05AXA901A001010199105', '101', '利培酮片', '01', '09', '1mg×20片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XN05BAA901A001010199106', '101', '阿普唑仑片', '01', '09', '0.4mg×20片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XN06ABA901A001010199107', '101', '盐酸舍曲林片', '02', '09', '50mg×14片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XN06DAA901A001010199108', '101', '盐酸多奈哌齐片', '02', '09', '5mg×7片', '片剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XN07CAA901A001010199109', '101', '甲磺酸倍他司汀片', '01', '09', '6mg×30片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XR03ACA901Q001010199110', '101', '硫酸沙丁胺醇吸入气雾剂', '01', '09', '100μg×200揿', '吸入剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XR03AKA901Q001010199111', '101', '布地奈德福莫特罗吸入粉雾剂', '02', '09', '160μg/4.5μg×60吸', '吸入剂', '支', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XR03BBA901Q001010199112', '101', '噻托溴铵粉吸入剂', '02', '09', '18μg×10粒', '吸入剂', '盒', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XR03DCA901A001010199113', '101', '孟鲁司特钠片', '02', '09', '10mg×5片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XR05CBA901A001010199114', '101', '盐酸氨溴索片', '01', '09', '30mg×20片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XR06AEA901A001010199115', '101', '盐酸西替利嗪片', '02', '09', '10mg×12片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XR06AXA901A001010199116', '101', '氯雷他定片', '01', '09', '10mg×6片', '片剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XS01AEA901D001010199117', '101', '左氧氟沙星滴眼液', '01', '09', '5ml:24.4mg', '眼用制剂', '支', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('XS01LAA901D001010199118', '101', '康柏西普眼用注射液', '02', '09', '0.2ml', '眼用制剂', '支', true, true, true, 2000, '2023-01-01', NULL, 3, NULL),
	('XS01XAA901D001010199119', '101', '玻璃酸钠滴眼液', '02', '09', '5ml:5mg', '眼用制剂', '支', false, false, false, 3000, '2023-01-01', NULL, 3, NULL),
	('XV08ABA901B001010199120', '101', '碘海醇注射液', '02', '09', '100ml:30g', '注射剂', '瓶', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('XG04BEA901A001010199121', '101', '枸橼酸西地那非片', '03', '09', '50mg×5片', '片剂', '盒', false, false, false, 10000, '2023-01-01', NULL, 3, NULL),
	('XD11AXA901L001010199122', '101', '米诺地尔酊', '03', '09', '60ml', '酊剂', '瓶', false, false, false, 10000, '2023-01-01', NULL, 3, NULL),
	('ZA04CAA0901010198001', '101', '双黄连口服液', '02', '11', '10ml×10支', '口服液体剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('ZA04CAA0902010198002', '101', '连花清瘟胶囊', '01', '11', '0.35g×24粒', '胶囊剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZA04CAA0903010198003', '101', '板蓝根颗粒', '01', '11', '10g×20袋', '颗粒剂', '袋', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZA01AAA0901010198004', '101', '感冒清热颗粒', '01', '11', '12g×10袋', '颗粒剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZA06AAA0901010198005', '101', '蛇胆川贝液', '02', '11', '10ml×6支', '口服液体剂', '盒', false, false, false, 1000, '2023-01-01', NULL, 3, NULL),
	('ZA06BAA0901010198006', '101', '急支糖浆', '01', '11', '200ml', '口服液体剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZB01BAA0901010198007', '101', '附子理中丸', '01', '11', '9g×10丸', '丸剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZC02AAA0901010198008', '101', '参松养心胶囊', '01', '11', '0.4g×36粒', '胶囊剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZC02BAA0901010198009', '101', '复方丹参滴丸', '01', '11', '27mg×180丸', '丸剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZC02BAA0902010198010', '101', '速效救心丸', '01', '11', '40mg×120粒', '丸剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZC02BAA0903010198011', '101', '血塞通软胶囊', '02', '11', '0.33g×24粒', '胶囊剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('ZC02BAA0904010198012', '101', '银杏叶片', '02', '11', '9.6mg×36片', '片剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('ZC02BBA0901010198013', '101', '丹红注射液', '02', '11', '20ml', '注射剂', '支', true, false, false, 2000, '2023-01-01', NULL, 3, NULL),
	('ZC02BBA0902010198014', '101', '参麦注射液', '02', '11', '50ml', '注射剂', '瓶', true, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('ZD01AAA0901010198015', '101', '六味地黄丸', '01', '11', '200丸', '丸剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZD02AAA0901010198016', '101', '补中益气丸', '01', '11', '9g×10丸', '丸剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZD03AAA0901010198017', '101', '金匮肾气丸', '01', '11', '360丸', '丸剂', '瓶', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZE01AAA0901010198018', '101', '安神补脑液', '03', '11', '10ml×10支', '口服液体剂', '盒', false, false, false, 10000, '2023-01-01', NULL, 3, NULL),
	('ZE02AAA0901010198019', '101', '乌灵胶囊', '02', '11', '0.33g×36粒', '胶囊剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('ZF03AAA0901010198020', '101', '云南白药胶囊', '02', '11', '0.25g×32粒', '胶囊剂', '盒', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('ZG02AAA0901010198021', '101', '活血止痛膏', '02', '11', '6贴', '贴膏剂', '盒', false, false, false, 2000, '2023-01-01', NULL, 3, NULL),
	('ZG01AAA0901010198022', '101', '麝香保心丸', '01', '11', '22.5mg×42丸', '丸剂', '盒', false, true, false, 0, '2023-01-01', NULL, 3, NULL),
	('ZH01AAA0901010198023', '101', '京万红软膏', '02', '11', '20g', '软膏剂', '支', false, true, false, 1000, '2023-01-01', NULL, 3, NULL),
	('ZI01AAA0901010198024', '104', '五味甘露药浴颗粒', '02', '11', '25g×6袋', '颗粒剂', '盒', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('T001709001', '102', '黄芪', '01', '10', '统', '饮片', '克', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('T001709002', '102', '当归', '01', '10', '统', '饮片', '克', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('T001709003', '102', '甘草', '01', '10', '统', '饮片', '克', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('T001709004', '102', '白术(炒)', '01', '10', '统', '饮片', '克', false, false, false, 0, '2020-01-01', NULL, 3, NULL);
INSERT INTO public.item VALUES
	('T001709005', '102', '茯苓', '01', '10', '统', '饮片', '克', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('T001709006', '102', '丹参', '01', '10', '统', '饮片', '克', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('T001709007', '102', '西洋参', '02', '10', '统', '饮片', '克', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('T001709008', '102', '三七', '02', '10', '统', '饮片', '克', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('T001709009', '102', '冬虫夏草', '03', '10', '统', '饮片', '克', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('T001709010', '102', '阿胶', '03', '10', '统', '饮片', '克', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('T0017390010001097001', '106', '黄芪配方颗粒', '02', '10', '1g相当于饮片5g', '配方颗粒', '克', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('T0017390020001097002', '106', '当归配方颗粒', '02', '10', '1g相当于饮片5g', '配方颗粒', '克', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('T0017390030001097003', '106', '甘草配方颗粒', '02', '10', '1g相当于饮片5g', '配方颗粒', '克', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('T0017390040001097004', '106', '川芎配方颗粒', '02', '10', '1g相当于饮片5g', '配方颗粒', '克', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('XJZJ9901000000001', '103', '复方薄荷脑滴鼻液(院内制剂)', '02', '09', '10ml', '滴鼻剂', '瓶', true, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('XJZJ9901000000002', '103', '清咽合剂(院内制剂)', '02', '11', '250ml', '合剂', '瓶', true, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('001101009010000', '201', '挂号费', '03', '13', '', '', '次', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('001102009010000', '201', '普通门诊诊查费', '01', '02', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001102009020000', '201', '副主任医师门诊诊查费', '01', '02', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001102009030000', '201', '主任医师门诊诊查费', '01', '02', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001102009040000', '201', '急诊诊查费', '01', '02', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001102009050000', '201', '住院诊查费', '01', '02', '', '', '日', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001102009060000', '201', '互联网复诊诊查费', '01', '02', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001102009070000', '201', '一般诊疗费', '01', '12', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001109009010000', '201', '普通病房床位费', '01', '01', '', '', '床日', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001109009020000', '201', '层流洁净病房床位费', '02', '01', '', '', '床日', false, false, false, 3000, '2020-01-01', NULL, 3, NULL),
	('001109009030000', '201', '特需病房床位费', '03', '01', '', '', '床日', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('001109009040000', '201', '监护病房床位费', '02', '01', '', '', '床日', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('001201009010000', '201', '特级护理', '01', '07', '', '', '日', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001201009020000', '201', 'Ⅰ级护理', '01', '07', '', '', '日', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001201009030000', '201', 'Ⅱ级护理', '01', '07', '', '', '日', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001201009040000', '201', 'Ⅲ级护理', '01', '07', '', '', '日', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001204009010000', '201', '肌肉注射', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001204009020000', '201', '静脉输液', '01', '05', '', '', '组', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001204009030000', '201', '静脉采血', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001205009010000', '201', '清创缝合(小)', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001206009010000', '201', '换药(小)', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001215009010000', '201', '导尿', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('001306009010000', '201', '家庭医生签约服务费', '03', '14', '', '', '年', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('001403009010000', '201', '健康体检', '03', '03', '', '', '次', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('002101029010000', '201', '数字化X线摄影(DR)', '01', '03', '', '', '部位', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002102009010000', '201', '磁共振平扫', '02', '03', '', '', '部位', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002102009020000', '201', '磁共振增强扫描', '02', '03', '', '', '部位', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002103009010000', '201', 'X线计算机体层(CT)平扫', '02', '03', '', '', '部位', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002103009020000', '201', 'X线计算机体层(CT)增强扫描', '02', '03', '', '', '部位', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002203019010000', '201', '彩色多普勒超声常规检查', '02', '03', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002206009010000', '201', '心脏彩色多普勒超声', '02', '03', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002306009010000', '201', '正电子发射计算机断层显像(PET/CT)', '03', '03', '', '', '次', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('002501019010000', '201', '血细胞分析', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002501029010000', '201', '尿液分析', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002501039010000', '201', '粪便常规', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002502019010000', '201', '凝血四项', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002503019010000', '201', '肝功能(生化组合)', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002503019020000', '201', '血清白蛋白测定', '01', '04', '', '', '项', false, false, false, 0, '2020-01-01', NULL, 3, NULL);
INSERT INTO public.item VALUES
	('002503029010000', '201', '葡萄糖测定', '01', '04', '', '', '项', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002503029020000', '201', '糖化血红蛋白测定', '01', '04', '', '', '项', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002503039010000', '201', '血脂四项', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002503079010000', '201', '肾功能(生化组合)', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002503059010000', '201', '丙氨酸氨基转移酶测定', '01', '04', '', '', '项', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002503069010000', '201', '肌钙蛋白I测定', '02', '04', '', '', '项', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002504039010000', '201', '乙型肝炎五项', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002504039020000', '201', '新型冠状病毒核酸检测', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002504049010000', '201', '癌胚抗原测定', '02', '04', '', '', '项', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002504049020000', '201', '甲胎蛋白测定', '01', '04', '', '', '项', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002505019010000', '201', '细菌培养及鉴定', '01', '04', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002703009010000', '201', '病理检查(石蜡切片)', '01', '03', '', '', '例', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('002705009010000', '201', '免疫组织化学染色诊断', '02', '03', '', '', '项', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('002707009010000', '201', '肿瘤基因检测', '03', '04', '', '', '次', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('003107019010000', '201', '常规心电图检查', '01', '03', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003107019020000', '201', '动态心电图', '02', '03', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003109059010000', '201', '电子胃镜检查', '02', '03', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003109059020000', '201', '电子结肠镜检查', '02', '03', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003108009010000', '201', '血液透析', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003108009020000', '201', '血液滤过', '02', '05', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003106059010000', '201', '纤维支气管镜检查', '02', '03', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003103009010000', '201', '验光', '03', '03', '', '', '次', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('003205009010000', '201', '经皮冠状动脉内支架置入术(STENT)', '02', '06', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003205009020000', '201', '冠状动脉造影术', '02', '06', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003301009010000', '201', '全身麻醉', '01', '06', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003301009020000', '201', '椎管内麻醉', '01', '06', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003304069010000', '201', '白内障超声乳化摘除术+人工晶体植入术', '01', '06', '', '', '单侧', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003310049010000', '201', '阑尾切除术', '01', '06', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003310049020000', '201', '腹腔镜下阑尾切除术', '02', '06', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003310069010000', '201', '胆囊切除术', '01', '06', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003310069020000', '201', '腹腔镜下胆囊切除术', '02', '06', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003314009010000', '201', '单胎顺产接生', '01', '06', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003314009020000', '201', '剖宫产术', '01', '06', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003315059010000', '201', '骨折切开复位内固定术', '01', '06', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003315079010000', '201', '人工全髋关节置换术', '02', '06', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003315079020000', '201', '人工全膝关节置换术', '02', '06', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003316009010000', '201', '乳腺肿物切除术', '01', '06', '', '', '单侧', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003317009010000', '201', '美容整形术', '03', '06', '', '', '次', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('003105109010000', '201', '牙周洁治', '03', '05', '', '', '牙', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('003105119010000', '201', '根管治疗', '01', '05', '', '', '根管', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('003105179010000', '201', '种植牙', '03', '05', '', '', '颗', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('003402009010000', '201', '运动疗法', '02', '05', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003402009020000', '201', '作业疗法', '02', '05', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('003401009010000', '201', '红外线治疗', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('004300009010000', '201', '普通针刺', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('004400009010000', '201', '灸法', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('004500009010000', '201', '中医推拿治疗', '02', '05', '', '', '次', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('001102009020000-110200902', '201', '副主任医师门诊诊查费(院内编码)', '01', '02', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('C0101019010000199501', '301', '冠状动脉药物洗脱支架', '02', '08', '', '', '套', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('C0101019020000199502', '301', '冠状动脉球囊扩张导管', '02', '08', '', '', '根', false, false, false, 1000, '2020-01-01', NULL, 3, NULL);
INSERT INTO public.item VALUES
	('C0101029010000199503', '301', '导引导丝', '02', '08', '', '', '根', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('C0201019010000199504', '301', '一次性使用导管鞘', '02', '08', '', '', '套', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('C0301019010000199505', '301', '髋关节假体组件', '02', '08', '', '', '套', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('C0301019020000199506', '301', '膝关节假体组件', '02', '08', '', '', '套', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('C0301029010000199507', '301', '金属接骨板', '02', '08', '', '', '块', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('C0301029020000199508', '301', '金属接骨螺钉', '02', '08', '', '', '枚', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('C0401019010000199509', '301', '人工晶状体(单焦点)', '02', '08', '', '', '枚', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('C0401019020000199510', '301', '人工晶状体(多焦点)', '03', '08', '', '', '枚', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('C0501019010000199511', '301', '吻合器(一次性)', '02', '08', '', '', '把', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('C0501029010000199512', '301', '可吸收缝合线', '02', '08', '', '', '包', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('C0601019010000199513', '301', '血液透析器', '01', '08', '', '', '支', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('C0601019020000199514', '301', '血液透析管路', '01', '08', '', '', '套', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('C0701019010000199515', '301', '一次性使用静脉留置针', '01', '08', '', '', '支', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('C0701019020000199516', '301', '一次性使用输液器', '01', '08', '', '', '套', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('C0701019030000199517', '301', '一次性使用无菌注射器', '01', '08', '', '', '支', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('C0801019010000199518', '301', '医用外科口罩', '03', '08', '', '', '只', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('C0801029010000199519', '301', '泡沫敷料', '02', '08', '', '', '片', false, false, false, 3000, '2020-01-01', NULL, 3, NULL),
	('C0901019010000199520', '301', '植入式心脏起搏器', '02', '08', '', '', '套', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('C1001019010000199521', '301', '种植体', '03', '08', '', '', '枚', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('C1401019010000199522', '301', '造口袋', '02', '08', '', '', '个', false, false, false, 3000, '2020-01-01', NULL, 3, NULL),
	('C01010190100001995010000001', '301', '冠状动脉药物洗脱支架 3.0mm×18mm', '02', '08', '3.0mm×18mm', '', '套', false, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('XTESTDRUG0001', '101', '测试药品一', '01', '09', '0.5g×20片', '片剂', '盒', false, true, false, 0, '2020-01-01', NULL, 3, NULL),
	('XTESTDRUG0002', '101', '测试药品二', '02', '09', '10ml', '注射剂', '支', true, false, false, 1000, '2020-01-01', NULL, 3, NULL),
	('XTESTDRUG0003', '101', '测试药品三', '03', '09', '30粒', '胶囊剂', '盒', false, false, false, 10000, '2020-01-01', NULL, 3, NULL),
	('XTESTDRUG0004', '101', '集采测试药品', '01', '09', '20mg×14片', '片剂', '盒', false, true, false, 0, '2020-01-01', NULL, 3, NULL),
	('XTESTSERV0001', '201', '测试诊疗项目', '01', '05', '', '', '次', false, false, false, 0, '2020-01-01', NULL, 3, NULL),
	('XTESTSERV0002', '201', '测试检查项目', '02', '03', '', '', '次', false, false, false, 2000, '2020-01-01', NULL, 3, NULL),
	('XTESTCONS0001', '301', '测试耗材', '02', '08', '', '', '个', false, false, false, 3000, '2020-01-01', NULL, 3, NULL);


--
-- Data for Name: local_med_type; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.local_med_type VALUES
	('110104', '家庭医生签约门诊(测试)', '11', '990000', '2020-01-01', NULL, 9, NULL),
	('140104', '门诊特殊病(测试)', '14', '990000', '2020-01-01', NULL, 9, NULL),
	('140201', '门诊慢性病(测试)', '14', '990000', '2020-01-01', NULL, 9, NULL),
	('24', '急诊转住院(测试)', '21', '990000', '2020-01-01', NULL, 9, NULL),
	('5301', '计划生育门诊(测试)', '11', '990000', '2020-01-01', NULL, 9, NULL),
	('91', '普通门诊(地方测试)', '11', '990000', '2020-01-01', NULL, 9, NULL),
	('9102', '互联网门诊(测试)', '11', '990000', '2020-01-01', NULL, 9, NULL);


--
-- Data for Name: policy; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.policy VALUES
	('beijing-employee', '2023-01-01', '北京市职工基本医疗保险待遇（住院、普通门急诊、大额医疗互助）', '110000', '310', 'benefit', 'settle_date', '0be6e4f1fd9624a8ea01a1ab65bb5c8ffade23d78df9e0c10327497e2b9cec29', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc","meaning":"年度门诊起付累计","national_like":"Q0000_BIZ11"},{"key":"op_inscp","meaning":"年度门诊政策范围内费用累计","national_like":"TS310101_BIZ11"},{"key":"adm_count","meaning":"年度住院次数"},{"key":"ip_fund","meaning":"年度住院统筹基金支付累计","national_like":"D310101_BIZ21"},{"key":"large_fund","meaning":"年度大额互助支付累计","national_like":"D330100"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"bj158","mark":"from code","note":"第三十六条分段比例与\"退休人员个人支付比例为职工支付比例的60%\"的条文由公开仓库的政策语料引用; 二级、一级分段为 from memory","number":"北京市人民政府令第158号","title":"北京市基本医疗保险规定","year":2005},{"confidence":"medium","id":"bj2022","mark":"from code","number":"京医保发〔2022〕28号（文号未核）","title":"关于调整本市职工基本医疗保险门诊报销待遇的通知（2023-01-01起）","year":2022},{"confidence":"medium","id":"bjdae","mark":"from memory","number":"未核","title":"大额医疗互助资金（住院超封顶线部分）","year":2021}],"effective":{"from":"2023-01-01","to":null},"figures":[{"confidence":"high","doc":"bj158","figure":"住院起付 1300/650","mark":"from code"},{"confidence":"high","doc":"bj158","figure":"三级 85/90/95 (3万/4万)","mark":"from code"},{"confidence":"high","doc":"bj158","figure":"二级 87/92/97、一级 90/95/97","mark":"from memory"},{"confidence":"high","doc":"bj158","figure":"退休个人支付比例×60%","mark":"from code"},{"confidence":"medium","doc":"bj158","figure":"统筹封顶 10 万","mark":"from code"},{"confidence":"medium","doc":"bjdae","figure":"大额 85%/90%、40 万","mark":"from memory"},{"confidence":"high","doc":"bj2022","figure":"门诊 1800/1300; 90/70; 85/90; 2万以上 60/80; 不设封顶","mark":"from code"},{"confidence":"low","doc":"bj2022","figure":"2万元界线按\"年度政策范围内费用累计（含起付线）\"计","mark":"interpretation"},{"confidence":"medium","doc":"bj2022","figure":"门诊全部记 hifp_pay","mark":"interpretation","note":"2022年以前由大额互助资金支付应记 hifob_pay"}],"id":"beijing-employee","insutype":"310","layers":[{"base":"inscp","deductible":{"key":"op_dedc","mode":"annual","table":[{"value":1800,"when":{"status":["active"]}},{"value":1300,"when":{"status":["retired"]}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"key":"op_inscp","origin":"zero","position":"annual","table":[{"value":[{"ratio":"90%","upto":20000},{"ratio":"60%","upto":null}],"when":{"hosp_lv":["community"],"status":["active"]}},{"value":[{"ratio":"70%","upto":20000},{"ratio":"60%","upto":null}],"when":{"hosp_lv":["1","2","3"],"status":["active"]}},{"value":[{"ratio":"90%","upto":20000},{"ratio":"80%","upto":null}],"when":{"hosp_lv":["community"],"status":["retired"]}},{"value":[{"ratio":"85%","upto":20000},{"ratio":"80%","upto":null}],"when":{"age":{"max":69},"hosp_lv":["1","2","3"],"status":["retired"]}},{"value":[{"ratio":"90%","upto":20000},{"ratio":"80%","upto":null}],"when":{"age":{"min":70},"hosp_lv":["1","2","3"],"status":["retired"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":100000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[1300,650]},"when":{}}]},"fund":"hifp_pay","id":"ip_pool","ratio_transform":[{"op":"personal_share_times","value":"60%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"85%","upto":30000},{"ratio":"90%","upto":40000},{"ratio":"95%","upto":null}],"when":{"hosp_lv":["3"]}},{"value":[{"ratio":"87%","upto":30000},{"ratio":"92%","upto":40000},{"ratio":"97%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"90%","upto":30000},{"ratio":"95%","upto":40000},{"ratio":"97%","upto":null}],"when":{"hosp_lv":["1","community"]}}]},"when":{"med_type":["inpatient","day_surgery","emergency_obs"]}},{"base":"over_cap:ip_pool","cap":{"key":"large_fund","measure":"fund_paid","table":[{"value":400000,"when":{}}]},"fund":"hifob_pay","id":"ip_large","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"85%","upto":null}],"when":{"status":["active"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"status":["retired"]}}]},"when":{"med_type":["inpatient","day_surgery","emergency_obs"]}}],"money":"yuan","open_questions":["退休人员统一补充医疗保险未建模","90天结算期未建模(用 same_stay 表示续结算不再收起付线)"],"region":"110000","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"none","note":"京津冀视同备案; 其他地区减幅未核","when":{"remote":["transfer","emergency"]}},{"method":"ratio_points","note":"取国家上限（低置信）","value":"-20%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"北京市职工基本医疗保险待遇（住院、普通门急诊、大额医疗互助）","version":"2023-01-01","version_on":"settle_date"}', '2023-01-01', NULL, 10, NULL),
	('beijing-resident-cii', '2019-01-01', '北京市城乡居民大病保险', '110000', '390', 'benefit', 'settle_date', '74b8377553555c76e0b7ed971afa21977a35eec362f765c45b7561dcfb1d4cbc', '{"accumulators":[{"key":"cii_base","meaning":"年度合规个人负担累计","national_like":"TS390201"},{"key":"cii_fund","meaning":"年度大病保险支付累计","national_like":"D390201"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"bjcii","mark":"from code","number":"公开仓库政策语料 doc_a73c31a7630e","title":"城乡居民大病保险（2019 年起付标准 30404 元; 困难人员减半 15202 元）","year":2019}],"effective":{"from":"2019-01-01","to":null},"figures":[{"confidence":"high","doc":"bjcii","figure":"起付 30404 / 15202","mark":"from code"},{"confidence":"high","doc":"bjcii","figure":"5 万以内 60%→65%; 超过 5 万 70%→75%","mark":"from code"},{"confidence":"low","doc":"bjcii","figure":"不设封顶","mark":"from code","note":"语料另有\"居民大病封顶 15 万\"的一条，互相冲突"}],"id":"beijing-resident-cii","insutype":"390","layers":[{"base":"personal_inscp","cap":{"key":"cii_fund","measure":"fund_paid","table":[{"value":null,"when":{}}]},"deductible":{"mode":"annual_threshold","table":[{"value":30404,"when":{"identity":["normal","dibian","zhichu"]}},{"value":15202,"when":{"identity":["tekun","dibao","fanpin"]}}]},"fund":"hifmi_pay","id":"cii","stage":30,"tiers":{"key":"cii_base","origin":"deductible","position":"annual","rounding":"cumulative","table":[{"value":[{"ratio":"60%","upto":50000},{"ratio":"70%","upto":null}],"when":{"identity":["normal","dibian","zhichu"]}},{"value":[{"ratio":"65%","upto":50000},{"ratio":"75%","upto":null}],"when":{"identity":["tekun","dibao","fanpin"]}}]},"when":{"med_type":["inpatient","day_surgery","emergency_obs","outpatient","outpatient_chronic"]}}],"money":"yuan","region":"110000","schema":"hsa.policy/1","title":"北京市城乡居民大病保险","version":"2019-01-01","version_on":"settle_date"}', '2019-01-01', NULL, 10, NULL),
	('beijing-resident', '2024-01-01', '北京市城乡居民基本医疗保险待遇', '110000', '390', 'benefit', 'settle_date', 'd4c02a832f1759cf3d5647f22138010b0bb3d7b424ffd2371dde52f6ac487c9b', '{"account":{"order":[],"scope":"none"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"bjjm","mark":"from code","number":"京人社…发〔2017〕250号（文号未核）及其后调整","title":"北京市城乡居民基本医疗保险办法实施细则","year":2017},{"confidence":"high","id":"bjjm2","mark":"from code","number":"公开仓库政策语料","title":"居民医保门诊起付 100/550、比例 55/50","year":2019}],"effective":{"from":"2024-01-01","to":null},"figures":[{"confidence":"high","doc":"bjjm2","figure":"门诊 100/550; 55/50","mark":"from code"},{"confidence":"medium","doc":"bjjm","figure":"门诊封顶 5000","mark":"from code","note":"旧值 3000、4000、4500 逐年调高"},{"confidence":"medium","doc":"bjjm","figure":"住院起付 300/800/1300，第二次起减半，学生儿童减半","mark":"from code"},{"confidence":"medium","doc":"bjjm","figure":"住院 80/78/75; 25 万","mark":"from code"},{"confidence":"low","doc":"bjjm","figure":"两档门诊起付按同一累计器\"就高补差\"","mark":"interpretation"}],"id":"beijing-resident","insutype":"390","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":5000,"when":{}}]},"deductible":{"key":"op_dedc","mode":"annual","table":[{"value":100,"when":{"hosp_lv":["community","1"]}},{"value":550,"when":{"hosp_lv":["2","3"]}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"55%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"50%","upto":null}],"when":{"hosp_lv":["2","3"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":250000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[300,150]},"when":{"hosp_lv":["community","1"],"status":["resident"]}},{"value":{"sequence":[800,400]},"when":{"hosp_lv":["2"],"status":["resident"]}},{"value":{"sequence":[1300,650]},"when":{"hosp_lv":["3"],"status":["resident"]}},{"value":{"sequence":[150]},"when":{"hosp_lv":["community","1"],"status":["student_child"]}},{"value":{"sequence":[400]},"when":{"hosp_lv":["2"],"status":["student_child"]}},{"value":{"sequence":[650]},"when":{"hosp_lv":["3"],"status":["student_child"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"78%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"75%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery","emergency_obs"]}}],"money":"yuan","region":"110000","remote":[{"method":"none","when":{"remote":["local","filed_long_term","transfer","emergency"]}},{"method":"ratio_points","value":"-20%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"北京市城乡居民基本医疗保险待遇","version":"2024-01-01","version_on":"settle_date"}', '2024-01-01', NULL, 10, NULL),
	('chengdu-employee', '2023-01-01', '成都市城镇职工基本医疗保险待遇', '510100', '310', 'benefit', 'settle_date', 'f88ce54419e2a4e3c68456f3d07df9ed1db25f3cda4666e75455b4eb85fd8af5', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"cd154","mark":"from memory","note":"年龄加成与逐次降起付在此办法","number":"成都市人民政府令第154号","title":"成都市城镇职工基本医疗保险办法","year":2008},{"confidence":"medium","id":"cd2022","mark":"from code","number":"成办规〔2022〕4号（文号未核）","title":"成都市建立健全职工基本医疗保险门诊共济保障机制实施细则","year":2022}],"effective":{"from":"2023-01-01","to":null},"figures":[{"confidence":"high","doc":"cd2022","figure":"门诊 200/150; 60/50 (+10); 2000/2500","mark":"from code"},{"confidence":"high","doc":"cd154","figure":"住院起付 160/200/400/800","mark":"from code"},{"confidence":"medium","doc":"cd154","figure":"逐次降 100 元、不低于 160 元","mark":"from memory"},{"confidence":"medium","doc":"cd154","figure":"比例 95/92/90/85","mark":"from memory","note":"代码仓库二级为 89%"},{"confidence":"medium","doc":"cd154","figure":"年龄加成 50/60/70/80/90 岁 +2/4/6/8/10","mark":"from memory"},{"confidence":"low","doc":"cd154","figure":"封顶 45 万; 超出 90%","mark":"from code","note":"真实的大病医疗互助补充保险是分段补，未照录"}],"id":"chengdu-employee","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":2000,"when":{"status":["active"]}},{"value":2500,"when":{"status":["retired"]}}]},"deductible":{"key":"op_dedc","mode":"annual","table":[{"value":200,"when":{"status":["active"]}},{"value":150,"when":{"status":["retired"]}}]},"fund":"hifp_pay","id":"op_pool","ratio_transform":[{"op":"add","value":"10%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"60%","upto":null}],"when":{"hosp_lv":["community","1","2"],"med_type":["outpatient"]}},{"value":[{"ratio":"50%","upto":null}],"when":{"hosp_lv":["3"],"med_type":["outpatient"]}},{"value":[{"ratio":"50%","upto":null}],"when":{"med_type":["pharmacy"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":450000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"step":{"first":160,"floor":160,"minus":100}},"when":{"hosp_lv":["community"]}},{"value":{"step":{"first":200,"floor":160,"minus":100}},"when":{"hosp_lv":["1"]}},{"value":{"step":{"first":400,"floor":160,"minus":100}},"when":{"hosp_lv":["2"]}},{"value":{"step":{"first":800,"floor":160,"minus":100}},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","ratio_transform":[{"op":"add","value":"2%","when":{"age":{"max":59,"min":50}}},{"op":"add","value":"4%","when":{"age":{"max":69,"min":60}}},{"op":"add","value":"6%","when":{"age":{"max":79,"min":70}}},{"op":"add","value":"8%","when":{"age":{"max":89,"min":80}}},{"op":"add","value":"10%","when":{"age":{"min":90}}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"95%","upto":null}],"when":{"hosp_lv":["community"]}},{"value":[{"ratio":"92%","upto":null}],"when":{"hosp_lv":["1"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"over_cap:ip_pool","fund":"hifob_pay","id":"ip_large","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"90%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"510100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"成都市城镇职工基本医疗保险待遇","version":"2023-01-01","version_on":"settle_date"}', '2023-01-01', NULL, 10, NULL),
	('chengdu-resident', '2024-01-01', '成都市城乡居民基本医疗保险（高档）与大病保险', '510100', '390', 'benefit', 'settle_date', '4b3661e32750e0ecf0db2a59c59c7c2bf5d011501917ddc8e62854e10fa777d0', '{"account":{"order":[],"scope":"none"},"accumulators":[{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"},{"key":"cii_base"},{"key":"cii_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"cd2023","mark":"from code","number":"成医保发〔2023〕18号（文号未核）","title":"关于明确基本医疗保险有关待遇标准的通知","year":2023}],"effective":{"from":"2024-01-01","to":null},"figures":[{"confidence":"medium","doc":"cd2023","figure":"住院 100/100/200/500; 95/87/82/68; 24 万","mark":"from code","note":"同一仓库的自查报告曾列出居民起付的冲突值 800/400/200"},{"confidence":"medium","doc":"cd2023","figure":"门诊基层 60%、200 元","mark":"from code"},{"confidence":"low","doc":"cd2023","figure":"大病 1.8 万（约数）; 60/70/80 每 5 万一档","mark":"from code"}],"id":"chengdu-resident","insutype":"390","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":200,"when":{}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"60%","upto":null}],"when":{}}]},"when":{"hosp_lv":["community"],"med_type":["outpatient"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":240000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[100]},"when":{"hosp_lv":["community","1"]}},{"value":{"sequence":[200]},"when":{"hosp_lv":["2"]}},{"value":{"sequence":[500]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"95%","upto":null}],"when":{"hosp_lv":["community"]}},{"value":[{"ratio":"87%","upto":null}],"when":{"hosp_lv":["1"]}},{"value":[{"ratio":"82%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"68%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"personal_inscp","cap":{"key":"cii_fund","measure":"fund_paid","table":[{"value":null,"when":{}}]},"deductible":{"mode":"annual_threshold","table":[{"value":18000,"when":{}}]},"fund":"hifmi_pay","id":"cii","stage":30,"tiers":{"key":"cii_base","origin":"deductible","position":"annual","rounding":"cumulative","table":[{"value":[{"ratio":"60%","upto":50000},{"ratio":"70%","upto":100000},{"ratio":"80%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"510100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"成都市城乡居民基本医疗保险（高档）与大病保险","version":"2024-01-01","version_on":"settle_date"}', '2024-01-01', NULL, 10, NULL),
	('chongqing-medical-assistance', '2022-01-01', '重庆市医疗救助（住院）', '500000', 'ma', 'benefit', 'settle_date', 'd98568c3ed7d18d8e45d6f4153651105d3bf45aa03f72c29d44e6f951731fbf9', '{"accumulators":[{"key":"ma_ordinary_fund"},{"key":"ma_major_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"cqma","mark":"from code","number":"区级救助业务系统的公开源码","title":"重庆市医疗救助（普通住院 6000、重特大疾病 100000、大额费用住院 60000 年限额）","year":2025}],"effective":{"from":"2022-01-01","to":null},"figures":[{"confidence":"medium","doc":"cqma","figure":"年限额 6000 / 100000 / 60000","mark":"from code"},{"confidence":"high","doc":"cqma","figure":"基数 = 政策范围内 − 统筹 − 大额 − 大病","mark":"from code"},{"confidence":"low","doc":"cqma","figure":"比例 100/70/60","mark":"from memory"}],"id":"chongqing-medical-assistance","insutype":"ma","layers":[{"base":"personal_inscp","cap":{"key":"ma_ordinary_fund","measure":"fund_paid","table":[{"value":6000,"when":{}}]},"fund":"maf_pay","id":"ma_ordinary","stage":60,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"100%","upto":null}],"when":{"identity":["tekun"]}},{"value":[{"ratio":"70%","upto":null}],"when":{"identity":["dibao"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"identity":["fanpin","dibian"]}}]},"when":{"identity":["tekun","dibao","fanpin","dibian"],"ma_category":["ordinary"],"med_type":["inpatient"]}},{"base":"personal_inscp","cap":{"key":"ma_major_fund","measure":"fund_paid","table":[{"value":100000,"when":{}}]},"fund":"maf_pay","id":"ma_major","stage":60,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"100%","upto":null}],"when":{"identity":["tekun"]}},{"value":[{"ratio":"70%","upto":null}],"when":{"identity":["dibao"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"identity":["fanpin","dibian"]}}]},"when":{"identity":["tekun","dibao","fanpin","dibian"],"ma_category":["major"],"med_type":["inpatient","outpatient_chronic"]}}],"money":"yuan","region":"500000","schema":"hsa.policy/1","title":"重庆市医疗救助（住院）","version":"2022-01-01","version_on":"settle_date"}', '2022-01-01', NULL, 10, NULL),
	('chongqing-resident', '2024-01-01', '重庆市城乡居民医保住院（三级医院，一档）', '500000', '390', 'benefit', 'settle_date', '885d7f3af902447ede6cf7a41b4c6a2a72926186772935d618fd61c9f99ef592', '{"account":{"order":[],"scope":"none"},"accumulators":[{"key":"adm_count"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"cq","mark":"from code","number":"公开仓库 good9527/china-medical-insurance 测试断言","title":"重庆居民住院三级 800 元/50%","year":2024}],"effective":{"from":"2024-01-01","to":null},"figures":[{"confidence":"medium","doc":"cq","figure":"三级 800、50%","mark":"from code"},{"confidence":"low","doc":"cq","figure":"其他级别与封顶未录入","mark":"unknown"}],"id":"chongqing-resident","insutype":"390","layers":[{"base":"inscp","deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[800]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"50%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient"]}}],"money":"yuan","partial":["ip_pool"],"region":"500000","remote":[{"method":"none","when":{}}],"schema":"hsa.policy/1","title":"重庆市城乡居民医保住院（三级医院，一档）","version":"2024-01-01","version_on":"settle_date"}', '2024-01-01', NULL, 10, NULL),
	('cross-province', '2023-01-01', '跨省异地就医直接结算（国家原则与减幅上限）', '000000', '*', 'constraint', 'settle_date', 'bb8d82f568091d92f1cea7e9c18f2033d32308db74296f66862005efb91088ed', '{"accumulators":[],"benefit_year":{"start":"01-01"},"dedc_cap_rules":"起付标准、支付比例、最高支付限额按参保地; 支付范围（目录、限价、自付比例口径）按就医地","documents":[{"confidence":"high","id":"yb22","mark":"from memory","number":"医保发〔2022〕22号","title":"关于进一步做好基本医疗保险跨省异地就医直接结算工作的通知","year":2022}],"effective":{"from":"2023-01-01","to":null},"figures":[{"confidence":"high","doc":"yb22","figure":"转诊/急诊降幅不超过 10 个百分点; 其他临时外出不超过 20 个百分点","mark":"from memory"}],"id":"cross-province","insutype":"*","kind":"constraint","layers":[],"lint":"用于检查各地 remote 段的\"有效比例差\"是否超出上限; ratio_factor 70% 在 85% 基准下等于降 25.5 个百分点, 会被提示","money":"yuan","principles":{"benefit":"insured_place","catalogue":"care_place","management":"care_place"},"region":"000000","remote_limits":[{"max_reduction_points":"0%","when":{"remote":["filed_long_term"]}},{"max_reduction_points":"10%","when":{"remote":["transfer","emergency"]}},{"max_reduction_points":"20%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"跨省异地就医直接结算（国家原则与减幅上限）","version":"2023-01-01","version_on":"settle_date"}', '2023-01-01', NULL, 10, NULL),
	('fuzhou-employee', '2024-03-31', '福州市职工基本医疗保险待遇', '350100', '310', 'benefit', 'settle_date', '1c2681c60c402970cd8932a94d464fc6356e8bba394153c3d672d891d0a42648', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"},{"key":"large_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"fz2024","mark":"from code","number":"榕医保文〔2024〕21号（文号未核）","title":"关于落实完善职工基本医疗保险门诊共济保障机制的通知","year":2024},{"confidence":"low","id":"fz2023","mark":"from code","number":"榕政办规〔2023〕18号（文号未核）","title":"福州市基本医疗保险住院与大额补充医疗保险实施办法","year":2023}],"effective":{"from":"2024-03-31","to":null},"figures":[{"confidence":"medium","doc":"fz2024","figure":"门诊 600、国家基本药物免起付; 88/83/78 (+5); 3 万","mark":"from code"},{"confidence":"low","doc":"fz2023","figure":"住院 300/600/600/800; 93/93/90/85 (+3); 12 万","mark":"from code"},{"confidence":"low","doc":"fz2023","figure":"逐次递减 200–240 元直至 0（社区 100 为推测）","mark":"from code"},{"confidence":"low","doc":"fz2023","figure":"大额 90%、50 万","mark":"from code"}],"id":"fuzhou-employee","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":30000,"when":{}}]},"deductible":{"exempt_lines":{"bas_medn_flag":"1"},"key":"op_dedc","mode":"annual","table":[{"value":600,"when":{}}]},"fund":"hifp_pay","id":"op_pool","ratio_transform":[{"op":"add","value":"5%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"88%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"83%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"78%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["outpatient"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":120000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"step":{"first":300,"floor":0,"minus":100}},"when":{"hosp_lv":["community"]}},{"value":{"step":{"first":600,"floor":0,"minus":200}},"when":{"hosp_lv":["1","2"]}},{"value":{"step":{"first":800,"floor":0,"minus":240}},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","ratio_transform":[{"op":"add","value":"3%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"93%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"over_cap:ip_pool","cap":{"key":"large_fund","measure":"fund_paid","table":[{"value":500000,"when":{}}]},"fund":"hifob_pay","id":"ip_large","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"90%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"350100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"福州市职工基本医疗保险待遇","version":"2024-03-31","version_on":"settle_date"}', '2024-03-31', NULL, 10, NULL),
	('guangzhou-employee', '2008-01-01', '广州市城镇职工基本医疗保险住院待遇（2008 年）', '440100', '310', 'benefit', 'settle_date', '7ce2995575fb39d4f55d38d66103fd71d8c194bd9b813c79b64e2935a1fb2bfc', '{"account":{"order":["own"],"scope":"all_personal"},"accumulators":[{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"jnu","mark":"from page","number":"https://gyb.jnu.edu.cn/2018/1023/c10498a263643/page.htm","title":"Reimbursement Process and Regulations (暨南大学公费医疗办网页)","year":2008}],"effective":{"from":"2008-01-01","to":"2008-12-31"},"figures":[{"confidence":"high","doc":"jnu","figure":"起付 500/1000/2000; 350/700/1400","mark":"from page"},{"confidence":"high","doc":"jnu","figure":"比例 90/85/80; 93/89.5/86","mark":"from page"},{"confidence":"high","doc":"jnu","figure":"封顶 = 4 × 40187 = 160748","mark":"from page"},{"confidence":"medium","doc":"jnu","figure":"超封顶 95%（重大疾病医疗补助）","mark":"from page","note":"摘录在此处截断; 补助限额未见"}],"id":"guangzhou-employee","indices":{"avg_wage":40187},"insutype":"310","layers":[{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":{"indexed":{"index":"avg_wage","times":"4"}},"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[500]},"when":{"hosp_lv":["community","1"],"status":["active"]}},{"value":{"sequence":[1000]},"when":{"hosp_lv":["2"],"status":["active"]}},{"value":{"sequence":[2000]},"when":{"hosp_lv":["3"],"status":["active"]}},{"value":{"sequence":[350]},"when":{"hosp_lv":["community","1"],"status":["retired"]}},{"value":{"sequence":[700]},"when":{"hosp_lv":["2"],"status":["retired"]}},{"value":{"sequence":[1400]},"when":{"hosp_lv":["3"],"status":["retired"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["active"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["2"],"status":["active"]}},{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["3"],"status":["active"]}},{"value":[{"ratio":"93%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["retired"]}},{"value":[{"ratio":"89.5%","upto":null}],"when":{"hosp_lv":["2"],"status":["retired"]}},{"value":[{"ratio":"86%","upto":null}],"when":{"hosp_lv":["3"],"status":["retired"]}}]},"when":{"med_type":["inpatient"]}},{"base":"over_cap:ip_pool","fund":"hifob_pay","id":"ip_large","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"95%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient"]}}],"money":"yuan","region":"440100","remote":[{"method":"none","when":{}}],"schema":"hsa.policy/1","title":"广州市城镇职工基本医疗保险住院待遇（2008 年）","version":"2008-01-01","version_on":"settle_date"}', '2008-01-01', '2008-12-31', 10, NULL),
	('guangzhou-employee', '2023-01-01', '广州市职工社会医疗保险待遇', '440100', '310', 'benefit', 'settle_date', 'd543995380a1c09da08a55ea887aa224ac08b349e57614761433dd32fb84c3f8', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"gz2022","mark":"from code","number":"穗医保规字〔2022〕3号（文号未核）","title":"广州市职工基本医疗保险门诊共济保障实施细则","year":2022},{"confidence":"medium","id":"gz193","mark":"from code","number":"广州市人民政府令第193号（文号未核）","title":"广州市社会医疗保险规定","year":2022}],"effective":{"from":"2023-01-01","to":null},"figures":[{"confidence":"high","doc":"gz193","figure":"比例 90/85/80; 93/89.5/86","mark":"from code","note":"与 2008 年网页一致"},{"confidence":"medium","doc":"gz193","figure":"起付 250/500/1000","mark":"from code","note":"退休人员是否打七折未核"},{"confidence":"low","doc":"gz2022","figure":"门诊 80/65; 85/70; 限额 8000/10000（约数）","mark":"from code"},{"confidence":"low","doc":"gz193","figure":"封顶 100 万（约数，平均工资 6 倍）; 超出 95%","mark":"from code"}],"id":"guangzhou-employee","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":8000,"when":{"status":["active"]}},{"value":10000,"when":{"status":["retired"]}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["active"]}},{"value":[{"ratio":"65%","upto":null}],"when":{"hosp_lv":["2","3"],"status":["active"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["retired"]}},{"value":[{"ratio":"70%","upto":null}],"when":{"hosp_lv":["2","3"],"status":["retired"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":1000000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[250]},"when":{"hosp_lv":["community","1"]}},{"value":{"sequence":[500]},"when":{"hosp_lv":["2"]}},{"value":{"sequence":[1000]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["active"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["2"],"status":["active"]}},{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["3"],"status":["active"]}},{"value":[{"ratio":"93%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["retired"]}},{"value":[{"ratio":"89.5%","upto":null}],"when":{"hosp_lv":["2"],"status":["retired"]}},{"value":[{"ratio":"86%","upto":null}],"when":{"hosp_lv":["3"],"status":["retired"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"over_cap:ip_pool","fund":"hifob_pay","id":"ip_large","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"95%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"440100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"广州市职工社会医疗保险待遇","version":"2023-01-01","version_on":"settle_date"}', '2023-01-01', NULL, 10, NULL),
	('hangzhou-employee', '2025-01-01', '杭州市职工基本医疗保险待遇', '330100', '310', 'benefit', 'settle_date', 'cab503b8d69cea9d6b362f1953d25ad3ccac1d20386ab111754f3cb9ddf1c23f', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"adm_count"},{"key":"ip_fund"},{"key":"cii_base"},{"key":"cii_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"hz2025","mark":"from code","number":"杭政办函〔2024〕68号（文号未核）","title":"杭州市基本医疗保障办法及门诊待遇调整（2025-01-01 起）","year":2024}],"effective":{"from":"2025-01-01","to":null},"figures":[{"confidence":"medium","doc":"hz2025","figure":"门诊 600/200、签约减 300; 86/80/76 (+6)","mark":"from code"},{"confidence":"low","doc":"hz2025","figure":"住院 300/500/800; 92/88/84 (+4); 40 万","mark":"from code"},{"confidence":"low","doc":"hz2025","figure":"大病 2.5 万起付 70/80、封顶 60 万","mark":"from code"},{"confidence":"low","doc":"hz2025","figure":"职工大病保险记 hifob_pay","mark":"interpretation"}],"id":"hangzhou-employee","insutype":"310","layers":[{"base":"inscp","deductible":{"key":"op_dedc","mode":"annual","table":[{"value":600,"when":{"contracted":[false],"status":["active"]}},{"value":300,"when":{"contracted":[true],"status":["active"]}},{"value":200,"when":{"contracted":[false],"status":["retired"]}},{"value":0,"when":{"contracted":[true],"status":["retired"]}}]},"fund":"hifp_pay","id":"op_pool","ratio_transform":[{"op":"add","value":"6%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"86%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"76%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":400000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[300]},"when":{"hosp_lv":["community","1"]}},{"value":{"sequence":[500]},"when":{"hosp_lv":["2"]}},{"value":{"sequence":[800]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","ratio_transform":[{"op":"add","value":"4%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"92%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"88%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"84%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"personal_inscp","cap":{"key":"cii_fund","measure":"fund_paid","table":[{"value":600000,"when":{}}]},"deductible":{"mode":"annual_threshold","table":[{"value":25000,"when":{}}]},"fund":"hifob_pay","id":"cii","stage":30,"tiers":{"key":"cii_base","origin":"zero","position":"annual","rounding":"cumulative","table":[{"value":[{"ratio":"70%","upto":50000},{"ratio":"80%","upto":null}],"when":{}}]},"when":{"med_type":["outpatient","inpatient","day_surgery"]}}],"money":"yuan","region":"330100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"杭州市职工基本医疗保险待遇","version":"2025-01-01","version_on":"settle_date"}', '2025-01-01', NULL, 10, NULL),
	('hebei-interface-sample', '2021-01-01', '河北省某市职工门诊（真实接口应答样例的最小政策）', '131100', '310', 'benefit', 'settle_date', 'f05215a4ec941692977507150e1248182d602098ded0d83450bc0dc64a06be89', '{"account":{"order":["own"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"hbs","mark":"from code","number":"公开仓库（含他人身份信息，故不给出路径）","title":"公开 HIS 源码中的 2204/2206/2207/2208 应答样例（仅取金额，不含个人信息）","year":2021}],"effective":{"from":"2021-01-01","to":null},"figures":[{"confidence":"low","doc":"hbs","figure":"起付 100 元与 50% 比例","mark":"assumed","note":"样例里两笔都没有越过起付线; 任何 ≥ 29.16 元的起付线得到同样结果"}],"id":"hebei-interface-sample","insutype":"310","layers":[{"base":"inscp","deductible":{"key":"op_dedc","mode":"annual","table":[{"value":100,"when":{}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"50%","upto":null}],"when":{}}]},"when":{"med_type":["outpatient"]}}],"money":"yuan","region":"131100","remote":[{"method":"none","when":{}}],"schema":"hsa.policy/1","title":"河北省某市职工门诊（真实接口应答样例的最小政策）","version":"2021-01-01","version_on":"settle_date"}', '2021-01-01', NULL, 10, NULL),
	('jiangxi-resident-cii', '2025-01-01', '江西省城乡居民大病保险（南昌参数）', '360000', '390', 'benefit', 'settle_date', '4895dd9bd9d3b6be8d6855095957f6d16db70a54a95760c01a2da69590068e78', '{"accumulators":[{"key":"cii_base"},{"key":"cii_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"jx10","mark":"from code","note":"源码附 ybj.jiangxi.gov.cn 链接","number":"赣医保发〔2024〕10号","title":"关于健全完善城乡居民大病保险的实施意见","year":2024}],"effective":{"from":"2025-01-01","to":null},"figures":[{"confidence":"medium","doc":"jx10","figure":"起付约 17000 / 减半约 8500; 60%/65%","mark":"from code","note":"原文是\"上年度全省居民人均可支配收入的 50%\"，1.7 万为约数"},{"confidence":"high","doc":"jx10","figure":"封顶 30 万（南昌）; 困难人员不封顶","mark":"from code"},{"confidence":"high","doc":"jx10","figure":"连续参保与零报销激励每项 +3000、不超过原封顶 20%","mark":"from code"},{"confidence":"high","doc":"jx10","figure":"基数不含乙类先行自付、超限价、转外先行自付、目录外","mark":"from code"}],"id":"jiangxi-resident-cii","insutype":"390","layers":[{"base":"personal_inscp","cap":{"key":"cii_fund","measure":"fund_paid","table":[{"value":{"plus":{"base":300000,"each":3000,"max_extra":60000,"per":"cii_bonus_units"}},"when":{"identity":["normal","dibian","zhichu"]}},{"value":null,"when":{"identity":["tekun","dibao","fanpin"]}}]},"deductible":{"mode":"annual_threshold","table":[{"value":17000,"when":{"identity":["normal","dibian","zhichu"]}},{"value":8500,"when":{"identity":["tekun","dibao","fanpin"]}}]},"fund":"hifmi_pay","id":"cii","stage":30,"tiers":{"key":"cii_base","origin":"deductible","position":"annual","rounding":"cumulative","table":[{"value":[{"ratio":"60%","upto":null}],"when":{"identity":["normal","dibian","zhichu"]}},{"value":[{"ratio":"65%","upto":null}],"when":{"identity":["tekun","dibao","fanpin"]}}]},"when_any":[{"med_type":["inpatient","day_surgery"]},{"chronic_class":["I"],"med_type":["outpatient_chronic"]}]}],"money":"yuan","region":"360000","schema":"hsa.policy/1","title":"江西省城乡居民大病保险（南昌参数）","version":"2025-01-01","version_on":"settle_date"}', '2025-01-01', NULL, 10, NULL),
	('jinan-employee', '2025-01-01', '济南市职工基本医疗保险待遇', '370100', '310', 'benefit', 'settle_date', 'a43dad58eb1c49edda1bea088a0f72eca07b810c99837ba9cae47ceb47ad613d', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"jn2022","mark":"from code","number":"济政办发〔2022〕18号（文号未核）","title":"济南市职工基本医疗保险门诊共济保障机制实施细则及其后提高限额","year":2022},{"confidence":"low","id":"jn2025","mark":"from code","number":"济医保发〔2024〕25号（文号未核）","title":"济南市 2025 年度待遇标准","year":2024}],"effective":{"from":"2025-01-01","to":null},"figures":[{"confidence":"medium","doc":"jn2022","figure":"门诊起付 200/400/800 \"合并计算、就高执行一次\"","mark":"from code"},{"confidence":"medium","doc":"jn2022","figure":"门诊 80/70/60 (+5); 6000/7000","mark":"from code"},{"confidence":"medium","doc":"jn2025","figure":"住院起付 200/400/400/1000; 第二次减半、第三次起免","mark":"from code"},{"confidence":"low","doc":"jn2025","figure":"住院 95/93/93/88 (+3); 60 万; 90%","mark":"from code"}],"id":"jinan-employee","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":6000,"when":{"status":["active"]}},{"value":7000,"when":{"status":["retired"]}}]},"deductible":{"key":"op_dedc","ladder":true,"mode":"annual","table":[{"value":200,"when":{"hosp_lv":["community","1"]}},{"value":400,"when":{"hosp_lv":["2"]}},{"value":800,"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"op_pool","ratio_transform":[{"op":"add","value":"5%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"70%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["outpatient"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":600000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[200,100,0]},"when":{"hosp_lv":["community"]}},{"value":{"sequence":[400,200,0]},"when":{"hosp_lv":["1","2"]}},{"value":{"sequence":[1000,500,0]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","ratio_transform":[{"op":"add","value":"3%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"95%","upto":null}],"when":{"hosp_lv":["community"]}},{"value":[{"ratio":"93%","upto":null}],"when":{"hosp_lv":["1","2"]}},{"value":[{"ratio":"88%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"over_cap:ip_pool","fund":"hifob_pay","id":"ip_large","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"90%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"370100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"济南市职工基本医疗保险待遇","version":"2025-01-01","version_on":"settle_date"}', '2025-01-01', NULL, 10, NULL),
	('jinan-resident', '2025-01-01', '济南市居民基本医疗保险住院待遇', '370100', '390', 'benefit', 'settle_date', 'f80abce216606ec91e8f5c70be63c85e54b53b4bd741d2ca529465de79886c14', '{"account":{"order":[],"scope":"none"},"accumulators":[{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"low","id":"jn2025","mark":"from code","number":"济医保发〔2024〕25号（文号未核）","title":"济南市 2025 年度待遇标准","year":2024}],"effective":{"from":"2025-01-01","to":null},"figures":[{"confidence":"medium","doc":"jn2025","figure":"起付 200/400/400/1000、第二次减半、第三次起免","mark":"from code"},{"confidence":"low","doc":"jn2025","figure":"85/80/70/60、25 万","mark":"from code","note":"同一仓库摘录写 85/80/75/70，断言用 60%; 真实值与居民档次有关"}],"id":"jinan-resident","insutype":"390","layers":[{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":250000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[200,100,0]},"when":{"hosp_lv":["community"]}},{"value":{"sequence":[400,200,0]},"when":{"hosp_lv":["1","2"]}},{"value":{"sequence":[1000,500,0]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["community"]}},{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["1"]}},{"value":[{"ratio":"70%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"370100","remote":[{"method":"none","when":{}}],"schema":"hsa.policy/1","title":"济南市居民基本医疗保险住院待遇","version":"2025-01-01","version_on":"settle_date"}', '2025-01-01', NULL, 10, NULL),
	('nanchang-civil-servant-example', '2025-01-01', '南昌公务员补助公开算例所用的简化参数（不扣起付线、不计封顶）', '360100', '310', 'benefit', 'settle_date', 'e50ec6326e8a46bbade31d715a5882c1f86acdaf00b2c34fbfdc66f644b2e996', '{"account":{"order":["own"],"scope":"all_personal"},"accumulators":[],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"ncex","mark":"from code","note":"算例自己忽略起付线 800 与统筹封顶 10 万; 与 nanchang-employee 的完整参数结果不同","number":"站点源码 civilServant.example","title":"公开站点\"南昌科级在职公务员住院花 20 万\"算例","year":2025}],"effective":{"from":"2025-01-01","to":null},"figures":[{"confidence":"medium","doc":"ncex","figure":"85% 与 96%","mark":"from code"}],"id":"nanchang-civil-servant-example","insutype":"310","layers":[{"base":"inscp","fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"85%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient"]}},{"base":"personal_inscp","fund":"cvlserv_pay","id":"cvlserv","stage":40,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"96%","upto":null}],"when":{}}]},"when":{"cvlserv":["1"],"med_type":["inpatient"]}}],"money":"yuan","region":"360100","remote":[{"method":"none","when":{}}],"schema":"hsa.policy/1","title":"南昌公务员补助公开算例所用的简化参数（不扣起付线、不计封顶）","version":"2025-01-01","version_on":"settle_date"}', '2025-01-01', NULL, 10, NULL),
	('nanchang-employee', '2025-01-01', '南昌市职工基本医疗保险、职工大病保险、公务员医疗补助', '360100', '310', 'benefit', 'settle_date', '2a1f121aa887991db15eb720285e3a574d79e0448b10d37f5bef8ad086b7aba5', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"},{"key":"chronic2:{disease}"},{"key":"chronic2_total"},{"key":"large_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"nc27","mark":"from code","note":"公开站点源码列出文号与官网链接","number":"洪医保发〔2025〕27号","title":"关于调整南昌市职工基本医疗保险住院报销比例政策的通知","year":2025},{"confidence":"high","id":"jxrb","mark":"from code","number":"2025-09-02 第09版","title":"江西日报《起付线、封顶线、报销比例咋算》（门诊共济）","year":2025},{"confidence":"medium","id":"nccvl","mark":"from code","number":"文号未核","title":"南昌市机关事业单位人员医疗补助实施办法","year":2025},{"confidence":"high","id":"jxyd","mark":"from code","number":"2025年11月","title":"江西省省本级职工跨省异地就医直接结算报销政策明白卡","year":2025}],"effective":{"from":"2025-01-01","to":null},"figures":[{"confidence":"high","doc":"nc27","figure":"住院 200/500/800; 95/90/85; 10 万","mark":"from code"},{"confidence":"high","doc":"nc27","figure":"精神病不设起付; 放化疗第二次起不设","mark":"from code"},{"confidence":"high","doc":"nc27","figure":"住院分娩不设起付，二级及以下 100%、三级 90%","mark":"from code"},{"confidence":"high","doc":"jxrb","figure":"门诊 300; 65/60/55 (+5); 2000/3000","mark":"from code"},{"confidence":"medium","doc":"nc27","figure":"大病 = 超过统筹封顶的部分 90%、40 万","mark":"interpretation","note":"同页另写\"个人自付合规费用累计超 10 万按 90%、年 50 万\"，两种口径冲突; 此处取前者"},{"confidence":"medium","doc":"nccvl","figure":"公务员 96/98/98/100/100，无起付，只补政策范围内自付","mark":"from code"},{"confidence":"medium","doc":"nc27","figure":"慢特病Ⅰ类按住院比例无起付并入住院限额; Ⅱ类单病种 4000–10000（取 5000）、多病种合计 7000","mark":"from code"},{"confidence":"high","doc":"jxyd","figure":"异地 0/10%/20% 先行自付","mark":"from code"}],"id":"nanchang-employee","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":2000,"when":{"status":["active"]}},{"value":3000,"when":{"status":["retired"]}}]},"deductible":{"key":"op_dedc","mode":"annual","table":[{"value":300,"when":{}}]},"fund":"hifp_pay","id":"op_pool","ratio_transform":[{"op":"add","value":"5%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"65%","upto":null}],"when":{"hosp_lv":["community","1"],"med_type":["outpatient"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"hosp_lv":["2"],"med_type":["outpatient"]}},{"value":[{"ratio":"55%","upto":null}],"when":{"hosp_lv":["3"],"med_type":["outpatient"]}},{"value":[{"ratio":"65%","upto":null}],"when":{"med_type":["pharmacy"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":100000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[0]},"when":{"disease":["psychiatric"]}},{"value":{"sequence":[200,0]},"when":{"disease":["cancer_chemo"],"hosp_lv":["community","1"]}},{"value":{"sequence":[500,0]},"when":{"disease":["cancer_chemo"],"hosp_lv":["2"]}},{"value":{"sequence":[800,0]},"when":{"disease":["cancer_chemo"],"hosp_lv":["3"]}},{"value":{"sequence":[200]},"when":{"disease":["none"],"hosp_lv":["community","1"]}},{"value":{"sequence":[500]},"when":{"disease":["none"],"hosp_lv":["2"]}},{"value":{"sequence":[800]},"when":{"disease":["none"],"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"95%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":100000,"when":{}}]},"fund":"hifp_pay","id":"maternity","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"100%","upto":null}],"when":{"hosp_lv":["community","1","2"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["maternity_inpatient"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":100000,"when":{}}]},"fund":"hifp_pay","id":"chronic_1","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"95%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"chronic_class":["I"],"med_type":["outpatient_chronic"]}},{"base":"inscp","cap":{"key":"chronic2:{disease}","measure":"fund_paid","table":[{"value":5000,"when":{}}]},"cap2":{"key":"chronic2_total","measure":"fund_paid","table":[{"value":7000,"when":{}}]},"fund":"hifp_pay","id":"chronic_2","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"95%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"chronic_class":["II"],"med_type":["outpatient_chronic"]}},{"base":"over_cap:ip_pool","cap":{"key":"large_fund","measure":"fund_paid","table":[{"value":400000,"when":{}}]},"fund":"hifob_pay","id":"emp_cii","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"90%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery","maternity_inpatient"]}},{"base":"personal_inscp","fund":"cvlserv_pay","id":"cvlserv","stage":40,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"96%","upto":null}],"when":{"cvl_rank":["section"],"status":["active"]}},{"value":[{"ratio":"98%","upto":null}],"when":{"cvl_rank":["section"],"status":["retired"]}},{"value":[{"ratio":"98%","upto":null}],"when":{"cvl_rank":["county"],"status":["active"]}},{"value":[{"ratio":"100%","upto":null}],"when":{"cvl_rank":["county"],"status":["retired"]}},{"value":[{"ratio":"100%","upto":null}],"when":{"cvl_rank":["department"]}}]},"when":{"cvlserv":["1"],"med_type":["inpatient","day_surgery","outpatient_chronic"]}}],"money":"yuan","region":"360100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"pre_selfpay","value":"10%","when":{"remote":["transfer","emergency"]}},{"method":"pre_selfpay","value":"20%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"南昌市职工基本医疗保险、职工大病保险、公务员医疗补助","version":"2025-01-01","version_on":"settle_date"}', '2025-01-01', NULL, 10, NULL),
	('nanchang-resident', '2025-01-01', '南昌市城乡居民基本医疗保险待遇', '360100', '390', 'benefit', 'settle_date', '4acfea49bc4dfccc6a6a4f3967784cb59a295edd133562b3cc2ae65ec13541d9', '{"account":{"order":[],"scope":"none"},"accumulators":[{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"nc38","mark":"from code","note":"源码附 ybj.nc.gov.cn 链接","number":"洪府发〔2022〕38号","title":"南昌市城乡居民基本医疗保险实施办法","year":2022}],"effective":{"from":"2025-01-01","to":null},"figures":[{"confidence":"high","doc":"nc38","figure":"住院 100/400/600; 90/80/60; 10 万","mark":"from code"},{"confidence":"high","doc":"nc38","figure":"70 岁以上与 6 岁以内第四次起免起付","mark":"from code"},{"confidence":"high","doc":"nc38","figure":"门诊一级及以下 60%、签约 65%、不封顶","mark":"from code"},{"confidence":"high","doc":"nc38","figure":"异地 10%/20% 先行自付","mark":"from code"}],"id":"nanchang-resident","insutype":"390","layers":[{"base":"inscp","fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"60%","upto":null}],"when":{"contracted":[false]}},{"value":[{"ratio":"65%","upto":null}],"when":{"contracted":[true]}}]},"when":{"hosp_lv":["community","1"],"med_type":["outpatient"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":100000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[100]},"when":{"age":{"max":69,"min":7},"hosp_lv":["community","1"]}},{"value":{"sequence":[400]},"when":{"age":{"max":69,"min":7},"hosp_lv":["2"]}},{"value":{"sequence":[600]},"when":{"age":{"max":69,"min":7},"hosp_lv":["3"]}},{"value":{"sequence":[100,100,100,0]},"when":{"age_any":[{"max":6},{"min":70}],"hosp_lv":["community","1"]}},{"value":{"sequence":[400,400,400,0]},"when":{"age_any":[{"max":6},{"min":70}],"hosp_lv":["2"]}},{"value":{"sequence":[600,600,600,0]},"when":{"age_any":[{"max":6},{"min":70}],"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":100000,"when":{}}]},"fund":"hifp_pay","id":"maternity","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"100%","upto":null}],"when":{"hosp_lv":["community","1","2"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["maternity_inpatient"]}}],"money":"yuan","region":"360100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"pre_selfpay","value":"10%","when":{"remote":["transfer","emergency"]}},{"method":"pre_selfpay","value":"20%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"南昌市城乡居民基本医疗保险待遇","version":"2025-01-01","version_on":"settle_date"}', '2025-01-01', NULL, 10, NULL),
	('national-medical-assistance', '2021-11-19', '重特大疾病医疗救助（国家框架参数的一个实例）', '000000', 'ma', 'benefit', 'settle_date', 'b52b01a7612ae8c53362ebf3b5681d096e21b9a02801d8ae1c3a1164b4f6ce12', '{"accumulators":[{"key":"ma_base"},{"key":"ma_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"gb42","mark":"from memory","number":"国办发〔2021〕42号","title":"国务院办公厅关于健全重特大疾病医疗保险和救助制度的意见","year":2021}],"effective":{"from":"2021-11-19","to":null},"figures":[{"confidence":"high","doc":"gb42","figure":"低保/特困取消起付; 低边约 10%; 因病致贫约 25%（居民人均可支配收入）","mark":"from memory"},{"confidence":"high","doc":"gb42","figure":"低保/特困不低于 70%，其他略低","mark":"from memory"},{"confidence":"low","doc":"gb42","figure":"特困 100%、低边/因病致贫 60%、年限额 5 万、人均可支配收入 4 万","mark":"assumed","note":"框架文件把这些交给省市; 此处为可运行的示例取值"}],"id":"national-medical-assistance","indices":{"disposable_income":40000},"insutype":"ma","layers":[{"base":"personal_inscp","cap":{"key":"ma_fund","measure":"fund_paid","table":[{"value":50000,"when":{}}]},"deductible":{"mode":"annual_threshold","table":[{"value":0,"when":{"identity":["tekun","dibao","fanpin"]}},{"value":{"indexed":{"index":"disposable_income","times":"0.10"}},"when":{"identity":["dibian"]}},{"value":{"indexed":{"index":"disposable_income","times":"0.25"}},"when":{"identity":["zhichu"]}}]},"fund":"maf_pay","id":"ma","stage":60,"tiers":{"key":"ma_base","origin":"deductible","position":"annual","rounding":"cumulative","table":[{"value":[{"ratio":"100%","upto":null}],"when":{"identity":["tekun"]}},{"value":[{"ratio":"70%","upto":null}],"when":{"identity":["dibao","fanpin"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"identity":["dibian","zhichu"]}}]},"when":{"identity":["tekun","dibao","fanpin","dibian","zhichu"],"med_type":["inpatient","day_surgery","outpatient_chronic"]}}],"money":"yuan","region":"000000","schema":"hsa.policy/1","title":"重特大疾病医疗救助（国家框架参数的一个实例）","version":"2021-11-19","version_on":"settle_date"}', '2021-11-19', NULL, 10, NULL),
	('synthetic-enterprise-supplement', '2024-01-01', '企业补充医疗保险（虚构，供测试 hifes_pay 层）', '000000', '370', 'benefit', 'settle_date', '96d4aa8b4fb73cc33b24706589bef0b5ceb606dc1c38b9f4549b29d2ccacd3a9', '{"accumulators":[{"key":"ent_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"syn","mark":"synthetic","number":"无","title":"虚构参数","year":2024}],"effective":{"from":"2024-01-01","to":null},"figures":[{"confidence":"high","doc":"syn","figure":"全部","mark":"synthetic"}],"id":"synthetic-enterprise-supplement","insutype":"370","layers":[{"base":"personal_inscp_excl_dedc","cap":{"key":"ent_fund","measure":"fund_paid","table":[{"value":20000,"when":{}}]},"fund":"hifes_pay","id":"ent","stage":50,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"50%","upto":5000},{"ratio":"80%","upto":null}],"when":{}}]},"when":{"ent_flag":["1"],"med_type":["inpatient","outpatient"]}}],"money":"yuan","region":"000000","schema":"hsa.policy/1","title":"企业补充医疗保险（虚构，供测试 hifes_pay 层）","version":"2024-01-01","version_on":"settle_date"}', '2024-01-01', NULL, 10, NULL),
	('shandong-resident-cii', '2020-01-01', '山东省居民大病保险', '370000', '390', 'benefit', 'settle_date', '38aea64a262d3eaa0cdcc8c205308b5a8141e84540c88ecbcc85710a526ad827', '{"accumulators":[{"key":"cii_base"},{"key":"cii_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"sdcii","mark":"from memory","number":"鲁医保发系列年度通知（文号未核）","title":"山东省居民大病保险年度政策（省统一起付与分段）","year":2020}],"effective":{"from":"2020-01-01","to":null},"figures":[{"confidence":"medium","doc":"sdcii","figure":"1.4 万; 60/65/70/75; 40 万","mark":"from memory","note":"1.4 万与 60/65/75 另见代码仓库济南条目"},{"confidence":"medium","doc":"sdcii","figure":"困难人员 0.5 万; 65/75/85; 不封顶","mark":"from memory"}],"id":"shandong-resident-cii","insutype":"390","layers":[{"base":"personal_inscp","cap":{"key":"cii_fund","measure":"fund_paid","table":[{"value":400000,"when":{"identity":["normal","dibian","zhichu"]}},{"value":null,"when":{"identity":["tekun","dibao","fanpin"]}}]},"deductible":{"mode":"annual_threshold","table":[{"value":14000,"when":{"identity":["normal","dibian","zhichu"]}},{"value":5000,"when":{"identity":["tekun","dibao","fanpin"]}}]},"fund":"hifmi_pay","id":"cii","stage":30,"tiers":{"key":"cii_base","origin":"zero","position":"annual","rounding":"cumulative","table":[{"value":[{"ratio":"60%","upto":100000},{"ratio":"65%","upto":200000},{"ratio":"70%","upto":300000},{"ratio":"75%","upto":null}],"when":{"identity":["normal","dibian","zhichu"]}},{"value":[{"ratio":"65%","upto":100000},{"ratio":"75%","upto":200000},{"ratio":"85%","upto":null}],"when":{"identity":["tekun","dibao","fanpin"]}}]},"when":{"med_type":["inpatient","day_surgery","outpatient_chronic"]}}],"money":"yuan","region":"370000","schema":"hsa.policy/1","title":"山东省居民大病保险","version":"2020-01-01","version_on":"settle_date"}', '2020-01-01', NULL, 10, NULL),
	('shanghai-employee', '2025-07-01', '上海市职工基本医疗保险待遇（2025 医保年度）', '310000', '310', 'benefit', 'settle_date', '6cb4a81a2fa47885bed8bd1fce70a682f5b518fa0c8f45bee50f390cbbeb828e', '{"account":{"first":{"from":"current_year_balance","when":{"med_type":["outpatient","pharmacy"]}},"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc","meaning":"门急诊自负段累计"},{"key":"ip_dedc","meaning":"住院起付段累计"},{"key":"cov_inscp","meaning":"起付线上封顶线下医疗费用累计","note":"上海接口确有 qfxs_fdxx_fy_lj 这一累计器（from code）"}],"benefit_year":{"start":"07-01"},"documents":[{"confidence":"high","id":"sh8","mark":"from page","note":"页面（英译本）只见总则与\"自负段、起付标准\"定义; 金额与比例来自代码仓库","number":"上海市人民政府令第8号","title":"上海市职工基本医疗保险办法","year":2013},{"confidence":"medium","id":"shmd","mark":"from code","number":"公开仓库 Markdown 表","title":"上海职工医保待遇表（旧，44岁以下 65/60/50; 住院 1500 元 85%; 家庭病床 80%）","year":2019},{"confidence":"medium","id":"sh2025","mark":"from code","number":"文号未核","title":"2025 医保年度待遇调整（最高支付限额 65 万、超过部分 80%）","year":2025}],"effective":{"from":"2025-07-01","to":"2026-06-30"},"figures":[{"confidence":"medium","doc":"shmd","figure":"封顶线按\"费用\"而非\"基金支付\"累计","mark":"from code"},{"confidence":"high","doc":"sh2025","figure":"住院 1500/1200; 85/92","mark":"from code"},{"confidence":"medium","doc":"sh8","figure":"住院起付按年度累计一次","mark":"from memory"},{"confidence":"medium","doc":"sh2025","figure":"门诊自负段 500/300; 80/75/70","mark":"from code"},{"confidence":"low","doc":"sh2025","figure":"退休 69 岁以下 +5、70 岁以上 +10","mark":"from code"},{"confidence":"medium","doc":"sh2025","figure":"65 万、超出 80%","mark":"from code"},{"confidence":"low","doc":"sh2025","figure":"地方附加基金记 hifob_pay","mark":"interpretation"},{"confidence":"medium","doc":"shmd","figure":"当年账户先付、用完才进自负段","mark":"from code"}],"id":"shanghai-employee","insutype":"310","layers":[{"base":"inscp_after_account_first","cap":{"key":"cov_inscp","measure":"inscp","table":[{"value":650000,"when":{}}]},"deductible":{"key":"op_dedc","mode":"annual","table":[{"value":500,"when":{"status":["active"]}},{"value":300,"when":{"status":["retired"]}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["active"]}},{"value":[{"ratio":"75%","upto":null}],"when":{"hosp_lv":["2"],"status":["active"]}},{"value":[{"ratio":"70%","upto":null}],"when":{"hosp_lv":["3"],"status":["active"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"age":{"max":69},"hosp_lv":["community","1"],"status":["retired"]}},{"value":[{"ratio":"80%","upto":null}],"when":{"age":{"max":69},"hosp_lv":["2"],"status":["retired"]}},{"value":[{"ratio":"75%","upto":null}],"when":{"age":{"max":69},"hosp_lv":["3"],"status":["retired"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"age":{"min":70},"hosp_lv":["community","1"],"status":["retired"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"age":{"min":70},"hosp_lv":["2"],"status":["retired"]}},{"value":[{"ratio":"80%","upto":null}],"when":{"age":{"min":70},"hosp_lv":["3"],"status":["retired"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"cov_inscp","measure":"inscp","table":[{"value":650000,"when":{}}]},"deductible":{"key":"ip_dedc","mode":"annual","table":[{"value":1500,"when":{"status":["active"]}},{"value":1200,"when":{"status":["retired"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"85%","upto":null}],"when":{"status":["active"]}},{"value":[{"ratio":"92%","upto":null}],"when":{"status":["retired"]}}]},"when":{"med_type":["inpatient","day_surgery","emergency_obs"]}},{"base":"inscp","cap":{"key":"cov_inscp","measure":"inscp","table":[{"value":650000,"when":{}}]},"fund":"hifp_pay","id":"family_bed","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{}}]},"when":{"med_type":["family_bed"]}},{"base":"over_cap:op_pool","fund":"hifob_pay","id":"op_local_supplement","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"over_cap:ip_pool","fund":"hifob_pay","id":"ip_local_supplement","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery","emergency_obs"]}}],"money":"yuan","open_questions":["2000-12-31 前退休人员住院起付 700 未建模","家庭病床不计起付为 from code 旧表"],"region":"310000","remote":[{"method":"none","when":{"remote":["local","filed_long_term","transfer","emergency"]}},{"method":"ratio_points","value":"-20%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"上海市职工基本医疗保险待遇（2025 医保年度）","version":"2025-07-01","version_on":"settle_date"}', '2025-07-01', '2026-06-30', 10, NULL),
	('shangluo-employee-op', '2023-01-01', '商洛市职工普通门诊统筹（按次起付）', '611000', '310', 'benefit', 'settle_date', '1ae54df6f99cf51d95f4eb67c7d715d0330c3928a60e52625d3b2cf17b23b4b3', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"sl","mark":"from code","number":"公开仓库 good9527/china-medical-insurance 测试断言","title":"商洛市职工门诊共济（一级 30、二级 60、三级 90 元/次）","year":2023}],"effective":{"from":"2023-01-01","to":null},"figures":[{"confidence":"medium","doc":"sl","figure":"按次起付 30/60/90","mark":"from code"},{"confidence":"medium","doc":"sl","figure":"二级 65%、三级 60%","mark":"from code","note":"由断言 286=(500-60)×65%、246=(500-90)×60% 反推"},{"confidence":"low","doc":"sl","figure":"一级 70%","mark":"assumed"},{"confidence":"low","doc":"sl","figure":"年度限额未录入","mark":"unknown"}],"id":"shangluo-employee-op","insutype":"310","layers":[{"base":"inscp","deductible":{"mode":"per_visit","table":[{"value":30,"when":{"hosp_lv":["community","1"]}},{"value":60,"when":{"hosp_lv":["2"]}},{"value":90,"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"70%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"65%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["outpatient"]}}],"money":"yuan","region":"611000","remote":[{"method":"none","when":{}}],"schema":"hsa.policy/1","title":"商洛市职工普通门诊统筹（按次起付）","version":"2023-01-01","version_on":"settle_date"}', '2023-01-01', NULL, 10, NULL),
	('shenzhen-employee-t1', '2023-10-01', '深圳市职工基本医疗保险一档待遇', '440300', '310', 'benefit', 'settle_date', 'fcb8c85681845c0e110fa86f76898a3de201cf62ca4031833ecb2648a0fed8c8', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"sz358","mark":"from code","number":"深圳市人民政府令第358号","title":"深圳市医疗保障办法","year":2023}],"effective":{"from":"2023-10-01","to":null},"figures":[{"confidence":"medium","doc":"sz358","figure":"门诊 75/65/55，退休 +5，限额 6%/7%","mark":"from code"},{"confidence":"low","doc":"sz358","figure":"住院起付 200/400/600，第二次减半; 92/91/90; 退休 95","mark":"from code"},{"confidence":"medium","doc":"sz358","figure":"连续参保满 72 个月 6 倍","mark":"from code"},{"confidence":"low","doc":"sz358","figure":"72 个月以下的倍数（0.5、3）","mark":"from memory","note":"简化为三段"},{"confidence":"low","doc":"sz358","figure":"平均工资 177000","mark":"derived","note":"由居民限额 2655 = 1.5% 反推"}],"id":"shenzhen-employee-t1","indices":{"avg_wage":177000},"insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":{"indexed":{"index":"avg_wage","times":"0.06"}},"when":{"status":["active"]}},{"value":{"indexed":{"index":"avg_wage","times":"0.07"}},"when":{"status":["retired"]}}]},"fund":"hifp_pay","id":"op_pool","ratio_transform":[{"op":"add","value":"5%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"75%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"65%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"55%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["outpatient"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":{"indexed":{"index":"avg_wage","times":"0.5"}},"when":{"months_insured":{"max":5}}},{"value":{"indexed":{"index":"avg_wage","times":"3"}},"when":{"months_insured":{"max":71,"min":6}}},{"value":{"indexed":{"index":"avg_wage","times":"6"}},"when":{"months_insured":{"min":72}}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[200,100]},"when":{"hosp_lv":["community","1"]}},{"value":{"sequence":[400,200]},"when":{"hosp_lv":["2"]}},{"value":{"sequence":[600,300]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"92%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["active"]}},{"value":[{"ratio":"91%","upto":null}],"when":{"hosp_lv":["2"],"status":["active"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["3"],"status":["active"]}},{"value":[{"ratio":"95%","upto":null}],"when":{"status":["retired"]}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"440300","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"深圳市职工基本医疗保险一档待遇","version":"2023-10-01","version_on":"settle_date"}', '2023-10-01', NULL, 10, NULL),
	('shenzhen-resident', '2023-10-01', '深圳市居民医疗保险待遇', '440300', '390', 'benefit', 'settle_date', '6dd49efd00514fcd39a38adf5a8f56ccf1fa39689f7876841339e798d38d9069', '{"account":{"order":[],"scope":"none"},"accumulators":[{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"},{"key":"cii_base"},{"key":"cii_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"sz358","mark":"from code","number":"深圳市人民政府令第358号","title":"深圳市医疗保障办法","year":2023}],"effective":{"from":"2023-10-01","to":null},"figures":[{"confidence":"medium","doc":"sz358","figure":"社康 75%、60 岁以上 80%; 限额 1.5%（2655）","mark":"from code"},{"confidence":"low","doc":"sz358","figure":"住院起付与比例同职工二档","mark":"from code"},{"confidence":"low","doc":"sz358","figure":"大病 1 万起付 80% 不封顶","mark":"from code"}],"id":"shenzhen-resident","indices":{"avg_wage":177000},"insutype":"390","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":{"indexed":{"index":"avg_wage","times":"0.015"}},"when":{}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"75%","upto":null}],"when":{"age":{"max":59}}},{"value":[{"ratio":"80%","upto":null}],"when":{"age":{"min":60}}}]},"when":{"hosp_lv":["community"],"med_type":["outpatient"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":500000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[200,100]},"when":{"hosp_lv":["community","1"]}},{"value":{"sequence":[400,200]},"when":{"hosp_lv":["2"]}},{"value":{"sequence":[600,300]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"92%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"91%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"personal_inscp","cap":{"key":"cii_fund","measure":"fund_paid","table":[{"value":null,"when":{}}]},"deductible":{"mode":"annual_threshold","table":[{"value":10000,"when":{}}]},"fund":"hifmi_pay","id":"cii","stage":30,"tiers":{"key":"cii_base","origin":"deductible","position":"annual","rounding":"cumulative","table":[{"value":[{"ratio":"80%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"440300","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"深圳市居民医疗保险待遇","version":"2023-10-01","version_on":"settle_date"}', '2023-10-01', NULL, 10, NULL),
	('tianjin-employee-op', '2023-01-01', '天津市职工普通门诊（在职）', '120000', '310', 'benefit', 'settle_date', '5812d54000f65554ef0d52d109b7d69cd1c076b2512b685e61849ad36f7a2ca6', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"tj","mark":"from code","number":"公开仓库 good9527/china-medical-insurance 测试断言","title":"天津市职工门诊（在职起付 800、二级 65%、限额 1 万）","year":2023}],"effective":{"from":"2023-01-01","to":null},"figures":[{"confidence":"medium","doc":"tj","figure":"在职 800、二级 65%、1 万","mark":"from code"},{"confidence":"low","doc":"tj","figure":"一级、三级比例未录入","mark":"unknown"}],"id":"tianjin-employee-op","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":10000,"when":{}}]},"deductible":{"key":"op_dedc","mode":"annual","table":[{"value":800,"when":{"status":["active"]}},{"value":700,"when":{"status":["retired"]}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"65%","upto":null}],"when":{"hosp_lv":["2"]}}]},"when":{"med_type":["outpatient"]}}],"money":"yuan","partial":["op_pool"],"region":"120000","remote":[{"method":"none","when":{}}],"schema":"hsa.policy/1","title":"天津市职工普通门诊（在职）","version":"2023-01-01","version_on":"settle_date"}', '2023-01-01', NULL, 10, NULL),
	('wuhan-employee', '2023-02-01', '武汉市职工基本医疗保险待遇（门诊共济改革首版）', '420100', '310', 'benefit', 'settle_date', '27be2b9a2343356356c80f38ccfdcc87f26ed86b227f22731ca8f611b41ea7bd', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"},{"key":"large_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"high","id":"wh24","mark":"from memory","note":"起付 700/500 另由公开仓库摘录佐证","number":"武政规〔2022〕24号","title":"武汉市职工基本医疗保险门诊共济保障实施细则","year":2022},{"confidence":"low","id":"wh292","mark":"from code","number":"文号未核","title":"武汉市基本医疗保险住院待遇","year":2022}],"effective":{"from":"2023-02-01","to":"2024-03-31"},"figures":[{"confidence":"high","doc":"wh24","figure":"门诊 700/500; 80/60/50; 84/68/60; 3500/4000","mark":"from memory"},{"confidence":"medium","doc":"wh292","figure":"住院起付 200/400/600/800、第二次减半","mark":"from code"},{"confidence":"low","doc":"wh292","figure":"住院 92/90/88/86 (+4)","mark":"from code"},{"confidence":"low","doc":"wh292","figure":"24 万 + 大额 30 万、85%","mark":"from code"}],"id":"wuhan-employee","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":3500,"when":{"status":["active"]}},{"value":4000,"when":{"status":["retired"]}}]},"deductible":{"key":"op_dedc","mode":"annual","table":[{"value":700,"when":{"status":["active"]}},{"value":500,"when":{"status":["retired"]}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["active"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"hosp_lv":["2"],"status":["active"]}},{"value":[{"ratio":"50%","upto":null}],"when":{"hosp_lv":["3"],"status":["active"]}},{"value":[{"ratio":"84%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["retired"]}},{"value":[{"ratio":"68%","upto":null}],"when":{"hosp_lv":["2"],"status":["retired"]}},{"value":[{"ratio":"60%","upto":null}],"when":{"hosp_lv":["3"],"status":["retired"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":240000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[200,100]},"when":{"hosp_lv":["community"]}},{"value":{"sequence":[400,200]},"when":{"hosp_lv":["1"]}},{"value":{"sequence":[600,300]},"when":{"hosp_lv":["2"]}},{"value":{"sequence":[800,400]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","ratio_transform":[{"op":"add","value":"4%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"92%","upto":null}],"when":{"hosp_lv":["community"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["1"]}},{"value":[{"ratio":"88%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"86%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"over_cap:ip_pool","cap":{"key":"large_fund","measure":"fund_paid","table":[{"value":300000,"when":{}}]},"fund":"hifob_pay","id":"ip_large","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"85%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"420100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"武汉市职工基本医疗保险待遇（门诊共济改革首版）","version":"2023-02-01","version_on":"settle_date"}', '2023-02-01', '2024-03-31', 10, NULL),
	('wuhan-employee', '2024-04-01', '武汉市职工基本医疗保险待遇（门诊起付线归零后的版本）', '420100', '310', 'benefit', 'settle_date', 'aeb8b53f3c558decf496527230e6a779b2b8081ac728a7deccb86f95be9c3ae6', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"},{"key":"large_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"low","id":"wh2024","mark":"from code","note":"只有一个公开仓库如此记载，请勿当作现行政策使用; 作为\"年中换版\"的测试数据","number":"武医保发〔2024〕12号（文号未核）","title":"关于优化调整职工基本医疗保险普通门诊统筹起付标准的通知","year":2024},{"confidence":"low","id":"wh292","mark":"from code","number":"文号未核","title":"武汉市基本医疗保险住院待遇","year":2022}],"effective":{"from":"2024-04-01","to":null},"figures":[{"confidence":"low","doc":"wh2024","figure":"门诊 0; 85/65/55; 90/75/65; 3500/4500","mark":"from code"},{"confidence":"medium","doc":"wh292","figure":"住院起付 200/400/600/800、第二次减半","mark":"from code"},{"confidence":"low","doc":"wh292","figure":"住院 92/90/88/86 (+4)","mark":"from code"},{"confidence":"low","doc":"wh292","figure":"24 万 + 大额 30 万、85%","mark":"from code"}],"id":"wuhan-employee","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":3500,"when":{"status":["active"]}},{"value":4500,"when":{"status":["retired"]}}]},"deductible":{"key":"op_dedc","mode":"annual","table":[{"value":0,"when":{}}]},"fund":"hifp_pay","id":"op_pool","stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["active"]}},{"value":[{"ratio":"65%","upto":null}],"when":{"hosp_lv":["2"],"status":["active"]}},{"value":[{"ratio":"55%","upto":null}],"when":{"hosp_lv":["3"],"status":["active"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["community","1"],"status":["retired"]}},{"value":[{"ratio":"75%","upto":null}],"when":{"hosp_lv":["2"],"status":["retired"]}},{"value":[{"ratio":"65%","upto":null}],"when":{"hosp_lv":["3"],"status":["retired"]}}]},"when":{"med_type":["outpatient","pharmacy"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":240000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[200,100]},"when":{"hosp_lv":["community"]}},{"value":{"sequence":[400,200]},"when":{"hosp_lv":["1"]}},{"value":{"sequence":[600,300]},"when":{"hosp_lv":["2"]}},{"value":{"sequence":[800,400]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","ratio_transform":[{"op":"add","value":"4%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"92%","upto":null}],"when":{"hosp_lv":["community"]}},{"value":[{"ratio":"90%","upto":null}],"when":{"hosp_lv":["1"]}},{"value":[{"ratio":"88%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"86%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient","day_surgery"]}},{"base":"over_cap:ip_pool","cap":{"key":"large_fund","measure":"fund_paid","table":[{"value":300000,"when":{}}]},"fund":"hifob_pay","id":"ip_large","stage":20,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"85%","upto":null}],"when":{}}]},"when":{"med_type":["inpatient","day_surgery"]}}],"money":"yuan","region":"420100","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"武汉市职工基本医疗保险待遇（门诊起付线归零后的版本）","version":"2024-04-01","version_on":"settle_date"}', '2024-04-01', NULL, 10, NULL),
	('xilingol-employee', '2025-01-01', '锡林郭勒盟职工基本医疗保险待遇', '152500', '310', 'benefit', 'settle_date', 'c0b7db6c3a3ffaf552da075ab4d854d409e1979507c30bb07291c1664fd3b71e', '{"account":{"order":["own","mutual_aid"],"scope":"all_personal"},"accumulators":[{"key":"op_dedc"},{"key":"op_fund"},{"key":"adm_count"},{"key":"ip_fund"}],"benefit_year":{"start":"01-01"},"documents":[{"confidence":"medium","id":"xl116","mark":"from code","number":"锡署办发〔2022〕116号（文号未核）","title":"关于建立完善职工基本医疗保险门诊共济保障机制的实施方案","year":2022},{"confidence":"low","id":"xl32","mark":"from code","number":"锡医保发〔2024〕32号（文号未核）","title":"基本医疗保险综合保障管理规程","year":2024}],"effective":{"from":"2025-01-01","to":null},"figures":[{"confidence":"medium","doc":"xl116","figure":"门诊 1000; 80/65 (+5); 5000/6000","mark":"from code"},{"confidence":"low","doc":"xl32","figure":"住院 300/500/1000; 92/88/85 (+3)","mark":"from code"}],"id":"xilingol-employee","insutype":"310","layers":[{"base":"inscp","cap":{"key":"op_fund","measure":"fund_paid","table":[{"value":5000,"when":{"status":["active"]}},{"value":6000,"when":{"status":["retired"]}}]},"deductible":{"key":"op_dedc","mode":"annual","table":[{"value":1000,"when":{}}]},"fund":"hifp_pay","id":"op_pool","ratio_transform":[{"op":"add","value":"5%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"80%","upto":null}],"when":{"hosp_lv":["community","1","2"]}},{"value":[{"ratio":"65%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["outpatient"]}},{"base":"inscp","cap":{"key":"ip_fund","measure":"fund_paid","table":[{"value":500000,"when":{}}]},"deductible":{"count_key":"adm_count","mode":"per_admission","table":[{"value":{"sequence":[300]},"when":{"hosp_lv":["community","1"]}},{"value":{"sequence":[500]},"when":{"hosp_lv":["2"]}},{"value":{"sequence":[1000]},"when":{"hosp_lv":["3"]}}]},"fund":"hifp_pay","id":"ip_pool","ratio_transform":[{"op":"add","value":"3%","when":{"status":["retired"]}}],"stage":10,"tiers":{"origin":"zero","position":"bill","table":[{"value":[{"ratio":"92%","upto":null}],"when":{"hosp_lv":["community","1"]}},{"value":[{"ratio":"88%","upto":null}],"when":{"hosp_lv":["2"]}},{"value":[{"ratio":"85%","upto":null}],"when":{"hosp_lv":["3"]}}]},"when":{"med_type":["inpatient"]}}],"money":"yuan","region":"152500","remote":[{"method":"none","when":{"remote":["local","filed_long_term"]}},{"method":"ratio_factor","value":"90%","when":{"remote":["transfer","emergency"]}},{"method":"ratio_factor","value":"70%","when":{"remote":["temporary"]}}],"schema":"hsa.policy/1","title":"锡林郭勒盟职工基本医疗保险待遇","version":"2025-01-01","version_on":"settle_date"}', '2025-01-01', NULL, 10, NULL);


--
-- Data for Name: price_ceiling; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.price_ceiling VALUES
	('001102009010000', '110000', '1', 12000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '110000', '2', 15000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '110000', '3', 18000000, '2023-01-01', NULL, false, 4, NULL),
	('001201009030000', '110000', '', 26000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '110000', '3', 50000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '110000', '2', 40000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '110000', '1', 30000000, '2023-01-01', NULL, false, 4, NULL),
	('002103009010000', '110000', '', 180000000, '2023-01-01', NULL, false, 4, NULL),
	('C0401019010000199509', '110000', '', 1500000000, '2023-01-01', NULL, false, 4, NULL),
	('C0301019010000199505', '110000', '', 8500000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '370100', '1', 8000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '370100', '2', 10000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '370100', '3', 12000000, '2023-01-01', NULL, false, 4, NULL),
	('001201009030000', '370100', '', 18000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '370100', '3', 45000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '370100', '2', 36000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '370100', '1', 26000000, '2023-01-01', NULL, false, 4, NULL),
	('002103009010000', '370100', '', 170000000, '2023-01-01', NULL, false, 4, NULL),
	('C0401019010000199509', '370100', '', 1400000000, '2023-01-01', NULL, false, 4, NULL),
	('C0301019010000199505', '370100', '', 8000000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '360100', '1', 7000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '360100', '2', 9000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '360100', '3', 11000000, '2023-01-01', NULL, false, 4, NULL),
	('001201009030000', '360100', '', 16000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '360100', '3', 40000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '360100', '2', 32000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '360100', '1', 24000000, '2023-01-01', NULL, false, 4, NULL),
	('002103009010000', '360100', '', 160000000, '2023-01-01', NULL, false, 4, NULL),
	('C0401019010000199509', '360100', '', 1300000000, '2023-01-01', NULL, false, 4, NULL),
	('C0301019010000199505', '360100', '', 7800000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '510100', '1', 8000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '510100', '2', 10000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '510100', '3', 13000000, '2023-01-01', NULL, false, 4, NULL),
	('001201009030000', '510100', '', 20000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '510100', '3', 45000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '510100', '2', 36000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '510100', '1', 26000000, '2023-01-01', NULL, false, 4, NULL),
	('002103009010000', '510100', '', 170000000, '2023-01-01', NULL, false, 4, NULL),
	('C0401019010000199509', '510100', '', 1400000000, '2023-01-01', NULL, false, 4, NULL),
	('C0301019010000199505', '510100', '', 8200000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '330100', '1', 9000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '330100', '2', 12000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '330100', '3', 16000000, '2023-01-01', NULL, false, 4, NULL),
	('001201009030000', '330100', '', 22000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '330100', '3', 50000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '330100', '2', 40000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '330100', '1', 30000000, '2023-01-01', NULL, false, 4, NULL),
	('002103009010000', '330100', '', 175000000, '2023-01-01', NULL, false, 4, NULL),
	('C0401019010000199509', '330100', '', 1450000000, '2023-01-01', NULL, false, 4, NULL),
	('C0301019010000199505', '330100', '', 8300000000, '2023-01-01', NULL, false, 4, NULL);
INSERT INTO public.price_ceiling VALUES
	('001102009010000', '990100', '1', 12000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '990100', '2', 15000000, '2023-01-01', NULL, false, 4, NULL),
	('001102009010000', '990100', '3', 18000000, '2023-01-01', NULL, false, 4, NULL),
	('001201009030000', '990100', '', 26000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '990100', '3', 50000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '990100', '2', 40000000, '2023-01-01', NULL, false, 4, NULL),
	('001109009010000', '990100', '1', 30000000, '2023-01-01', NULL, false, 4, NULL),
	('002103009010000', '990100', '', 180000000, '2023-01-01', NULL, false, 4, NULL),
	('C0401019010000199509', '990100', '', 1500000000, '2023-01-01', NULL, false, 4, NULL),
	('C0301019010000199505', '990100', '', 8500000000, '2023-01-01', NULL, false, 4, NULL),
	('C0101019010000199501', '000000', '', 798000000, '2023-01-01', NULL, false, 4, NULL),
	('C01010190100001995010000001', '000000', '', 798000000, '2023-01-01', NULL, false, 4, NULL),
	('C0101019020000199502', '000000', '', 350000000, '2023-01-01', NULL, false, 4, NULL),
	('C0601019010000199513', '000000', '', 150000000, '2023-01-01', NULL, false, 4, NULL),
	('XB05XAA901B001010199049', '000000', '', 4150000, '2023-01-01', NULL, false, 4, NULL),
	('XB05BAA901B001010199050', '000000', '', 4200000, '2023-01-01', NULL, false, 4, NULL),
	('XJ01CAA901C001010199001', '000000', '', 9800000, '2023-01-01', NULL, false, 4, NULL),
	('XC08CAA901A001010199063', '000000', '', 3456800, '2023-01-01', NULL, false, 4, NULL),
	('XA10BAA901A001010199027', '000000', '', 2900000, '2023-01-01', NULL, false, 4, NULL),
	('XC10AAA901A001010199070', '000000', '', 5600000, '2023-01-01', NULL, false, 4, NULL),
	('XB01ACA902A001010199040', '000000', '', 15300000, '2023-01-01', NULL, false, 4, NULL),
	('XB05AAA901B001010199052', '000000', '', 378000000, '2023-01-01', NULL, false, 4, NULL),
	('XA10AEA901B001010199033', '000000', '', 69000000, '2023-01-01', NULL, false, 4, NULL),
	('XL01FFA901B001010199090', '000000', '', 1080000000, '2023-01-01', NULL, false, 4, NULL),
	('XA10BJA901B001010199032', '000000', '', 430500000, '2023-01-01', NULL, false, 4, NULL),
	('002102009010000', '370000', '', 420000000, '2023-01-01', NULL, false, 4, NULL),
	('002102009010000', '370100', '3', 400000000, '2023-01-01', NULL, false, 4, NULL),
	('002102009010000', '370000', '', 450000000, '2019-01-01', '2022-12-31', false, 4, NULL),
	('C0801019010000199518', '110000', '', 0, '2023-01-01', NULL, false, 4, NULL),
	('004300009010000', '360000', '', 999999000000, '2023-01-01', NULL, false, 4, NULL),
	('004300009010000', '000000', '', 20000000, '2023-01-01', NULL, false, 4, NULL),
	('003109059010000', '110199', '3', 260000000, '2023-01-01', NULL, false, 4, NULL),
	('XTESTDRUG0001', '990100', '', 999999000000, '2023-01-01', NULL, false, 4, NULL),
	('XTESTDRUG0002', '990100', '', 25000000, '2023-01-01', NULL, false, 4, NULL),
	('XTESTSERV0002', '990100', '3', 200000000, '2023-01-01', NULL, false, 4, NULL),
	('XTESTSERV0002', '990100', '', 150000000, '2023-01-01', NULL, false, 4, NULL),
	('XTESTCONS0001', '990100', '', 0, '2023-01-01', NULL, false, 4, NULL),
	('XTESTDRUG0004', '990100', '', 6000000, '2023-01-01', NULL, true, 4, NULL);


--
-- Data for Name: publication; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.publication VALUES
	(1, 'operator:bootstrap', 'seed-52a6e44ac154852b97d404e40feed0c91fca6a08', '55cbb4eb1c42600c03324eca95de1e7f56c6c9d9496c0bd765be13b90f82ac60', 'b838cb717b93d2d53f737f22ce1c63a038e80a1ba44df7c3938074c7ed9dd6e9', '\x08381a4062383338636237313762393364326435336637333766323263653163363361303338653830613162613434646637633339333830373463376564396464366539', 1781056801710095),
	(2, 'operator:bootstrap', 'seed-bf8c079c0dadf84b600e840236c8efb4ac3593a1', '155b57b914af5688e668c33468bf7c71cf0dc3d3e4291db5f2fe91d444d320e0', '98d3b6f9c0a5ab4bee72f687a285c40ff32d2a5b92f7acf6ae1b3ee954fb1875', '\x08261a4039386433623666396330613561623462656537326636383761323835633430666633326432613562393266376163663661653162336565393534666231383735', 1781056801775542),
	(3, 'operator:bootstrap', 'seed-9015d25d8e036e294d58b61b2a00bd091ba45124', 'f328f3c1245a1f1bcb2a660ecc4aecdc852c6110c4e080aea65e04f0d665912a', '4b6525e8b8640334912319c8ea62cddd4c6806d65ccb91141555721bfc629de7', '\x0896021a4034623635323565386238363430333334393132333139633865613632636464643463363830366436356363623931313431353535373231626663363239646537', 1781056801945133),
	(4, 'operator:bootstrap', 'seed-e23230bdb8ea0ffc6b7b0dc38a40a6cd29a3ab2f', '32b319df078c1de89a4d29eab85d83e46cf35846637e689de6e6df89c93348e6', '22f499863fe25a74f87d34ed40ebdaeec073b7ce51fb7512185a2c115994e388', '\x08581a403232663439393836336665323561373466383764333465643430656264616565633037336237636535316662373531323138356132633131353939346533383822276469766973696f6e20313130313939206973206e6f7420696e2074686520636174616c6f677565', 1781056802061937),
	(5, 'operator:bootstrap', 'seed-2ce2e2719c47ba2584eea0d61f89c75dc45e64af', 'ffc4dfb93f9904e8a1ba897d830e70745034a99c8f5ba28bf65d48c00f71b89a', '93dedd42b123039bdedc73c21c22a9f078b28190a8fbeaa2237fad1332af9bef', '\x08331a4039336465646434326231323330333962646564633733633231633232613966303738623238313930613866626561613232333766616431333332616639626566', 1781056802141828),
	(6, 'operator:bootstrap', 'seed-98d27f0c04712d9b754d2355ad9c9e95db74d133', 'b1484d1b2c9f526e86d18c4ad6b20718e766b575090e8a26e57405255e77895d', '26791cf4d5f756df839f9ca0a65de4210fec67d5deacbac5504e34470ea4646c', '\x08571a4032363739316366346435663735366466383339663963613061363564653432313066656336376435646561636261633535303465333434373065613436343663', 1781056802221558),
	(7, 'operator:bootstrap', 'seed-ce35468d08df3694b0575c1b0886e9f257ec865d', 'd9f4be066612d813d50ac5cb70927b4b041d464932e80b075d29de3c244303d3', 'c5604143ce4233f4c49c608abed5d5481f82cdf50c82a1f7f144e8a28ab611f1', '\x08211a4063353630343134336365343233336634633439633630386162656435643534383166383263646635306338326131663766313434653861323861623631316631', 1781056802298122),
	(8, 'operator:bootstrap', 'seed-99b8f253059887075da18817e5d568adb2b5dca1', 'bb095b0700ec8e2b62a4ef13e8c241261d94e5ce5054e3d96bf3d5d434edc5ca', '8cef4fe8a83c13a2369f24bf95c5015aa86cceb4a42f4d5049323141c4a86d1a', '\x080f1a4038636566346665386138336331336132333639663234626639356335303135616138366363656234613432663464353034393332333134316334613836643161', 1781056802394915),
	(9, 'operator:bootstrap', 'seed-18556538db5cee529643ab4384d4ffdd0e131b71', '60c9a86a566f1b7a8df26de1ed82bd2b90475ec388a5b9a74f5020dc501e9f63', 'ad51001e1af9ef22ea4ee8be4aebbf8df65ed0d0af985c46692c24d06da2250f', '\x08071a4061643531303031653161663965663232656134656538626534616562626638646636356564306430616639383563343636393263323464303664613232353066', 1781056802450707),
	(10, 'operator:bootstrap', 'seed-92644eebdcbc1a3fef91a8a624cc20df924f84fa', 'ace2e3f3d719478b8dd79748e8fd9f4633228282f4ae855b617497187d5851f2', 'e0d50888b2738545107646d530a7446ea3062e2b656eeaccf9e6b1efe2a813df', '\x081e1a4065306435303838386232373338353435313037363436643533306137343436656133303632653262363536656561636366396536623165666532613831336466228e016368656e6764752d656d706c6f79656540323032332d30312d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2033302520706f696e7473206f66662028726174696f5f666163746f7220373025206174203130302520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f776564228f016368656e6764752d7265736964656e7440323032342d30312d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032382e352520706f696e7473206f66662028726174696f5f666163746f72203730252061742039352520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f776564228e0166757a686f752d656d706c6f79656540323032342d30332d33313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032382e382520706f696e7473206f66662028726174696f5f666163746f72203730252061742039362520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f7765642291016775616e677a686f752d656d706c6f79656540323032332d30312d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032372e392520706f696e7473206f66662028726174696f5f666163746f72203730252061742039332520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f77656422900168616e677a686f752d656d706c6f79656540323032352d30312d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032382e382520706f696e7473206f66662028726174696f5f666163746f72203730252061742039362520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f776564228d016a696e616e2d656d706c6f79656540323032352d30312d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032392e342520706f696e7473206f66662028726174696f5f666163746f72203730252061742039382520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f7765642293017368656e7a68656e2d656d706c6f7965652d743140323032332d31302d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032382e352520706f696e7473206f66662028726174696f5f666163746f72203730252061742039352520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f7765642290017368656e7a68656e2d7265736964656e7440323032332d31302d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032372e362520706f696e7473206f66662028726174696f5f666163746f72203730252061742039322520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f776564228d01777568616e2d656d706c6f79656540323032332d30322d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032382e382520706f696e7473206f66662028726174696f5f666163746f72203730252061742039362520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f776564228d01777568616e2d656d706c6f79656540323032342d30342d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032382e382520706f696e7473206f66662028726174696f5f666163746f72203730252061742039362520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f77656422900178696c696e676f6c2d656d706c6f79656540323032352d30312d30313a2072656d6f74655b325d3a2072656d6f74652e6c696d69743a2074656d706f726172793a2032382e352520706f696e7473206f66662028726174696f5f666163746f72203730252061742039352520696e2069705f706f6f6c292c206174206d6f7374203230252061726520616c6c6f776564', 1781056802528429),
	(11, 'operator:bootstrap', 'seed-c02e9b86e29239f06f7da23c58a66eb2be7df293', '1ecfe88e00a058a57d77b16d0ad631e9dd430c24a7fd6a5c278adffafc531f4a', '90d4ee7a1ff68f6f300f1c3a5c6db1148513e23f8743119adbdb7c24376dc03b', '\x08141a4039306434656537613166663638663666333030663163336135633664623131343835313365323366383734333131396164626462376332343337366463303362', 1781056803057085);


--
-- Data for Name: selfpay_ratio; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.selfpay_ratio VALUES
	('C0101019010000199501', '110000', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0301019010000199505', '110000', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0301019020000199506', '110000', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0401019010000199509', '110000', '', 1000, '2023-01-01', NULL, 5, NULL),
	('002102009010000', '110000', '', 800, '2023-01-01', NULL, 5, NULL),
	('C0101019010000199501', '370100', '', 1500, '2023-01-01', NULL, 5, NULL),
	('C0301019010000199505', '370100', '', 1500, '2023-01-01', NULL, 5, NULL),
	('C0301019020000199506', '370100', '', 1500, '2023-01-01', NULL, 5, NULL),
	('C0401019010000199509', '370100', '', 1500, '2023-01-01', NULL, 5, NULL),
	('002102009010000', '370100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0101019010000199501', '360100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0301019010000199505', '360100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0301019020000199506', '360100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0401019010000199509', '360100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('002102009010000', '360100', '', 2000, '2023-01-01', NULL, 5, NULL),
	('C0101019010000199501', '510100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0301019010000199505', '510100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0301019020000199506', '510100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0401019010000199509', '510100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('002102009010000', '510100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0101019010000199501', '330100', '', 500, '2023-01-01', NULL, 5, NULL),
	('C0301019010000199505', '330100', '', 500, '2023-01-01', NULL, 5, NULL),
	('C0301019020000199506', '330100', '', 500, '2023-01-01', NULL, 5, NULL),
	('C0401019010000199509', '330100', '', 500, '2023-01-01', NULL, 5, NULL),
	('002102009010000', '330100', '', 500, '2023-01-01', NULL, 5, NULL),
	('C0101019010000199501', '990100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0301019010000199505', '990100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0301019020000199506', '990100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('C0401019010000199509', '990100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('002102009010000', '990100', '', 800, '2023-01-01', NULL, 5, NULL),
	('003310069020000', '370100', '1', 1000, '2023-01-01', NULL, 5, NULL),
	('003310069020000', '370100', '2', 1000, '2023-01-01', NULL, 5, NULL),
	('003310069020000', '370100', '3', 1000, '2023-01-01', NULL, 5, NULL),
	('003310069020000', '370100', '5', 500, '2023-01-01', NULL, 5, NULL),
	('003310069020000', '370100', '6', 500, '2023-01-01', NULL, 5, NULL),
	('003310069020000', '370100', '', 0, '2023-01-01', NULL, 5, NULL),
	('XB05AAA901B001010199052', '000000', '', 2000, '2020-01-01', '2022-12-31', 5, NULL),
	('XB05AAA901B001010199052', '000000', '', 3000, '2023-01-01', NULL, 5, NULL),
	('XB05AAA901B001010199052', '110000', '', 1000, '2023-01-01', NULL, 5, NULL),
	('XL01FFA901B001010199090', '370000', '', 3000, '2023-01-01', NULL, 5, NULL),
	('XL01FFA901B001010199090', '360000', '', 2500, '2023-01-01', NULL, 5, NULL),
	('XL01FFA901B001010199090', '110000', '', 1000, '2023-01-01', NULL, 5, NULL),
	('XC10AXA902B001010199073', '370000', '', 3000, '2023-01-01', NULL, 5, NULL),
	('XA10BJA901B001010199032', '360000', '', 2000, '2023-01-01', NULL, 5, NULL),
	('004500009010000', '110000', '', 0, '2023-01-01', NULL, 5, NULL),
	('C0901019010000199520', '370100', '', 3000, '2023-01-01', NULL, 5, NULL),
	('C0901019010000199520', '360100', '', 2500, '2023-01-01', NULL, 5, NULL),
	('XTESTDRUG0002', '990100', '', 1000, '2023-01-01', NULL, 5, NULL),
	('XTESTSERV0002', '990100', '2', 500, '2023-01-01', NULL, 5, NULL),
	('XTESTSERV0002', '990100', '', 2000, '2023-01-01', NULL, 5, NULL);
INSERT INTO public.selfpay_ratio VALUES
	('XTESTCONS0001', '990100', '', 3000, '2023-01-01', NULL, 5, NULL);


--
-- Data for Name: stack; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.stack VALUES
	('110000', '310', '["beijing-employee"]', '2023-01-01', NULL, 11, NULL),
	('110000', '390', '["beijing-resident","beijing-resident-cii","national-medical-assistance"]', '2024-01-01', NULL, 11, NULL),
	('152500', '310', '["xilingol-employee"]', '2025-01-01', NULL, 11, NULL),
	('310000', '310', '["shanghai-employee"]', '2025-07-01', '2026-06-30', 11, NULL),
	('330100', '310', '["hangzhou-employee"]', '2025-01-01', NULL, 11, NULL),
	('350100', '310', '["fuzhou-employee"]', '2024-03-31', NULL, 11, NULL),
	('360100', '310', '["nanchang-employee"]', '2025-01-01', NULL, 11, NULL),
	('360100', '390', '["nanchang-resident","jiangxi-resident-cii","national-medical-assistance"]', '2025-01-01', NULL, 11, NULL),
	('370100', '310', '["jinan-employee"]', '2025-01-01', NULL, 11, NULL),
	('370100', '390', '["jinan-resident","shandong-resident-cii","national-medical-assistance"]', '2025-01-01', NULL, 11, NULL),
	('420100', '310', '["wuhan-employee"]', '2023-02-01', NULL, 11, NULL),
	('440100', '310', '["guangzhou-employee"]', '2008-01-01', '2008-12-31', 11, NULL),
	('440100', '310', '["guangzhou-employee"]', '2023-01-01', NULL, 11, NULL),
	('440300', '310', '["shenzhen-employee-t1"]', '2023-10-01', NULL, 11, NULL),
	('440300', '390', '["shenzhen-resident"]', '2023-10-01', NULL, 11, NULL),
	('500000', '390', '["chongqing-resident","chongqing-medical-assistance"]', '2024-01-01', NULL, 11, NULL),
	('510100', '310', '["chengdu-employee"]', '2023-01-01', NULL, 11, NULL),
	('510100', '390', '["chengdu-resident","national-medical-assistance"]', '2024-01-01', NULL, 11, NULL),
	('990100', '310', '["beijing-employee"]', '2023-01-01', NULL, 11, NULL),
	('990100', '390', '["beijing-resident","beijing-resident-cii","national-medical-assistance"]', '2024-01-01', NULL, 11, NULL);


--
-- Data for Name: term; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.term VALUES
	('diagnosis_icd10', 'A00.900', '霍乱', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'A01.000x005+J17.0*', '伤寒并发肺炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'A09.900', '胃肠炎和结肠炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'A15.000', '肺结核，经显微镜下痰检查证实，伴有或不伴有痰培养', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'B18.100', '慢性乙型病毒性肝炎，不伴有δ因子', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'B34.900', '病毒性感染', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C16.900', '胃恶性肿瘤', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C18.900', '结肠恶性肿瘤', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C22.900', '肝恶性肿瘤', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C34.001', '肺门恶性肿瘤', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C34.900', '支气管或肺恶性肿瘤', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C50.900', '乳房恶性肿瘤', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C61.x00', '前列腺恶性肿瘤', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C73.x00', '甲状腺恶性肿瘤', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'C92.000', '急性髓细胞白血病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'D50.900', '缺铁性贫血', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'D64.900', '贫血', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'E04.900', '非毒性甲状腺肿', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'E05.900', '甲状腺毒症', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'E10.900', '1型糖尿病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'E11.900', '2型糖尿病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'E78.500', '高脂血症', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'E87.600', '低钾血症', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'F20.900', '精神分裂症', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'F32.900', '抑郁发作', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'F41.900', '焦虑障碍', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'G20.x00', '帕金森病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'G40.900', '癫痫', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'G45.900', '短暂性大脑缺血性发作', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'H25.900', '老年性白内障', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'H26.900', '白内障', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'H40.900', '青光眼', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'H66.900', '中耳炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I10.x00', '特发性（原发性）高血压', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I10.x00x002', '高血压', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I20.000', '不稳定型心绞痛', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I20.900', '心绞痛', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I21.900', '急性心肌梗死', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I25.100', '动脉硬化性心脏病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I25.103', '冠状动脉粥样硬化性心脏病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I48.900', '心房颤动和心房扑动，未特指', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I50.900', '心力衰竭', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I61.900', '脑内出血', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I63.900', '脑梗死', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'I64.x00', '脑卒中', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J02.900', '急性咽炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J06.900', '急性上呼吸道感染', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J11.100', '流行性感冒伴有其他呼吸道表现，病毒未标明', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J15.900', '细菌性肺炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J18.000', '支气管肺炎', '2020-01-01', NULL, 6, NULL);
INSERT INTO public.term VALUES
	('diagnosis_icd10', 'J18.900', '肺炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J20.900', '急性支气管炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J44.100', '慢性阻塞性肺病伴有急性加重', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J44.900', '慢性阻塞性肺病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'J45.900', '哮喘', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K02.900', '龋（牙）', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K07.100x008', '错𬌗畸形骨性I类', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K21.900', '胃-食管反流性疾病不伴有食管炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K25.900', '急性或慢性胃溃疡不伴有出血', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K29.500', '慢性胃炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K40.900', '单侧或未特指的腹股沟疝，不伴有梗阻或坏疽', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K74.100', '肝硬化', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K80.000', '胆囊结石伴有急性胆囊炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K80.200', '胆囊结石不伴有胆囊炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'K85.900', '急性胰腺炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'L20.900', '特应性皮炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'L40.900', '银屑病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'M05.900', '血清反应阳性的类风湿性关节炎', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'M10.900', '痛风', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'M17.900', '膝关节病', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'M32.900', '系统性红斑狼疮', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'M51.200', '椎间盘移位，其他特指的', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'M81.900', '骨质疏松', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'N18.900', '慢性肾脏病，未特指', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'N20.000', '肾结石', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'N39.000', '泌尿道感染', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'N40.x00', '前列腺增生', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'O80.000', '头位顺产', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'O82.000', '经选择性剖宫产术的分娩', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'R50.900', '发热', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'R51.x00', '头痛', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'S52.500', '桡骨下端骨折', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'S72.000', '股骨颈骨折', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'U07.100x002', '新型冠状病毒感染', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'Z51.100', '为肿瘤化学治疗疗程', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'Z51.102', '手术后恶性肿瘤化学治疗', '2020-01-01', NULL, 6, NULL),
	('diagnosis_icd10', 'Z51.103', '恶性肿瘤维持性化学治疗', '2020-01-01', NULL, 6, NULL),
	('operation_icd9cm3', '00.4500', '置入一根血管支架', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '00.6600', '经皮冠状动脉腔内血管成形术[PTCA]', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '00.6600x004', '经皮冠状动脉球囊扩张成形术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '10.1x00x003', '结膜放射状切开术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '13.4100', '白内障晶状体乳化和抽吸', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '13.4101', '飞秒激光白内障超声乳化抽吸术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '13.7100x001', '白内障摘除伴人工晶体一期置入术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '17.91220', '三棱针治疗', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '17.912A0', '电针治疗', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '36.0600', '非-药物洗脱冠状动脉支架置入', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '36.0700', '药物洗脱冠状动脉支架置入', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '37.2200', '左心导管置入', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '39.9500', '血液透析', '2020-01-01', NULL, 7, NULL);
INSERT INTO public.term VALUES
	('operation_icd9cm3', '44.1300', '其他胃镜检查', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '45.2300', '结肠镜检查', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '45.4200', '内镜下大肠息肉切除术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '47.0100', '腹腔镜下阑尾切除术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '47.0900', '其他阑尾切除术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '51.2200', '胆囊切除术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '51.2300', '腹腔镜下胆囊切除术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '60.2900', '其他经尿道前列腺切除术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '65.0100', '腹腔镜卵巢切开术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '68.4100', '腹腔镜经腹全子宫切除术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '73.5900', '其他手法助产', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '74.1x00', '低位子宫下段剖宫产', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '77.5100', '𧿹囊肿切除术伴软组织矫正术和第一跖骨切开术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '79.3500', '股骨骨折开放性复位术伴内固定', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '81.5100', '全髋关节置换', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '81.5400', '全部膝关节置换', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '85.2100', '乳房病损局部切除术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '86.2200', '伤口、感染或烧伤的切除性清创术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '88.5600', '用两根导管的冠状动脉造影术', '2020-01-01', NULL, 7, NULL),
	('operation_icd9cm3', '99.2500', '注射或输注癌瘤化学治疗药物', '2020-01-01', NULL, 7, NULL);


--
-- Name: catalogue_version catalogue_version_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.catalogue_version
    ADD CONSTRAINT catalogue_version_pkey PRIMARY KEY (version_num);


--
-- Name: disease disease_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.disease
    ADD CONSTRAINT disease_pkey PRIMARY KEY (dise_codg, admdvs, from_day);


--
-- Name: division division_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.division
    ADD CONSTRAINT division_pkey PRIMARY KEY (admdvs, from_day);


--
-- Name: institution institution_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.institution
    ADD CONSTRAINT institution_pkey PRIMARY KEY (fixmedins_code, from_day);


--
-- Name: item item_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.item
    ADD CONSTRAINT item_pkey PRIMARY KEY (med_list_codg, from_day);


--
-- Name: local_med_type local_med_type_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.local_med_type
    ADD CONSTRAINT local_med_type_pkey PRIMARY KEY (local_med_type, admdvs, from_day);


--
-- Name: policy policy_content; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.policy
    ADD CONSTRAINT policy_content UNIQUE (policy_hash);


--
-- Name: policy policy_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.policy
    ADD CONSTRAINT policy_pkey PRIMARY KEY (policy_id, version, from_day);


--
-- Name: policy policy_version; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.policy
    ADD CONSTRAINT policy_version UNIQUE (policy_id, version);


--
-- Name: price_ceiling price_ceiling_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.price_ceiling
    ADD CONSTRAINT price_ceiling_pkey PRIMARY KEY (med_list_codg, admdvs, lmtpric_hosp_lv, from_day);


--
-- Name: publication publication_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_pkey PRIMARY KEY (seq);


--
-- Name: publication publication_request; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.publication
    ADD CONSTRAINT publication_request UNIQUE (scope, request_id);


--
-- Name: selfpay_ratio selfpay_ratio_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.selfpay_ratio
    ADD CONSTRAINT selfpay_ratio_pkey PRIMARY KEY (med_list_codg, admdvs, hosp_lv, from_day);


--
-- Name: stack stack_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.stack
    ADD CONSTRAINT stack_pkey PRIMARY KEY (admdvs, insutype, from_day);


--
-- Name: term term_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.term
    ADD CONSTRAINT term_pkey PRIMARY KEY (standard, code, from_day);


--
-- Name: institution_of_type; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX institution_of_type ON public.institution USING btree (fixmedins_type, fixmedins_code);


--
-- Name: local_med_type_of; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX local_med_type_of ON public.local_med_type USING btree (admdvs);


--
-- PostgreSQL database dump complete
--


